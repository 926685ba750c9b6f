package cli

// For tests.
var (
	VersionOf = versionOf
	DrawQR    = drawQR
)
