package auth

// FillFilter puts a login into a filter.
var FillFilter = fillFilter
