/** A content coding that forms of files are kept in (RFC 9110, 8.4.1). */
export type Coding = 'br' | 'gzip' | 'zstd';
