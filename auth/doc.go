// Package auth tells who asks and what they may do: passwords, sessions,
// second factors, API tokens, JSON web tokens, and the rights of roles. It
// guards the server, and the handlers of any other program: see
// [Service.Guard].
//
// A person signs in by [Service.SignIn] and gets a cookie; a program has an API
// token of [Service.NewToken] or a pair of [Service.IssueJWT]. Whatever a
// request brings, [Service.Authenticate] turns it into an [Identity]. What a
// member of a project may do is data, see [Builtin] and [Service.Access].
//
// Only hashes of tokens and cookies are stored, and secrets of second factors
// are sealed. An identity is trusted for a moment without asking the store
// ([Config].CacheFor): within a process every revocation works at once, in
// other processes on the same database after that moment.
//
// Failed tries are counted in memory, for each account and network: at most 10
// in 15 minutes, and at most 50 for a network as a whole. Nobody can keep an
// account from signing in from another network. Where several processes share
// a database each counts for itself.
package auth
