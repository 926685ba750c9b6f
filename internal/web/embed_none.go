//go:build no_ui

package web

import "io/fs"

// built are the files of the page: none.
func built() fs.FS { return nil }
