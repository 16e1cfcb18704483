throw Object.assign(new RangeError('as it is loaded'), { code: 'ERR_OF_THE_TEST' });
