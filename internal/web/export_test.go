package web

// FromFS lets tests bring their own files.
var FromFS = fromFS
