module.exports = number => number + 1;
module.exports.less = number => number - 1;
