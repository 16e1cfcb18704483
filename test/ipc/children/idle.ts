/** A child that never takes up its channel. */
setInterval(() => {}, 1000);
