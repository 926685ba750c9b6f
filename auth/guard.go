package auth

import (
	"encoding/json"
	"errors"
	"net/http"
)

// Guard lets only those through to next who are signed in; [FromContext] tells
// it who. All others get a JSON error: 401, with the code of a [PendingError]
// where a second factor is missing; 403 for what a page of another origin sends
// with the cookie, and for tokens that were made for something else: of those
// with scopes only "read" passes, and for GET and HEAD only; 503 while the
// store cannot be asked.
func (s *Service) Guard(next http.Handler) http.Handler {
	origin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := s.Authenticate(r.Context(), r)
		var missing *PendingError
		switch {
		case errors.As(err, &missing):
			refuse(w, http.StatusUnauthorized, missing.Code)
		case errors.Is(err, ErrUnauthenticated):
			refuse(w, http.StatusUnauthorized, ErrUnauthenticated.Error())
		case err != nil:
			s.cfg.Log.WarnContext(r.Context(), "request not authenticated", "error", err)
			refuse(w, http.StatusServiceUnavailable, "cannot tell who asks: try again later")
		case id.ByCookie && origin.Check(r) != nil:
			refuse(w, http.StatusForbidden, "the request comes from another site")
		case !allows(id, r.Method):
			refuse(w, http.StatusForbidden, "the token was not made for this")
		default:
			next.ServeHTTP(w, r.WithContext(NewContext(r.Context(), id)))
		}
	})
}

func allows(id *Identity, method string) bool {
	return len(id.Scopes) == 0 || id.Allows(string(VerbRead)) && (method == http.MethodGet || method == http.MethodHead)
}

func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text}) // a client that is gone needs no answer
}
