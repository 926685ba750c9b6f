//go:build !no_ui

package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// built are the files of the page.
func built() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil // of a valid name it cannot be
	}
	return files
}
