package auth_test

import (
	"fmt"
	"log"
	"net/http"
	"net/netip"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store/memory"
)

// Sign in by a provider that is reached when somebody presses its button.
func ExampleNewOIDC() {
	ring, err := crypto.NewRing(crypto.GenerateKey())
	if err != nil {
		log.Fatal(err)
	}
	service, err := auth.New(memory.New(memory.Config{}), auth.Config{Ring: ring})
	if err != nil {
		log.Fatal(err)
	}
	oidc, err := auth.NewOIDC(service, map[string]auth.OIDCProvider{
		"company": {
			ProviderURL: "https://id.example.com", ClientID: "semaphore", ClientSecret: auth.NewSecret("from a file"),
			DisplayName: "Company", NameClaim: "name|{{ .given_name }} {{ .family_name }}",
		},
	}, auth.OIDCOptions{WebHost: "https://semaphore.example.com"})
	if err != nil {
		log.Fatal(err)
	}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/auth/oidc/{provider}/login", func(w http.ResponseWriter, r *http.Request) {
		if err := oidc.Begin(w, r, r.PathValue("provider"), r.URL.Query().Get("return")); err != nil {
			http.Error(w, "try again", http.StatusBadGateway)
		}
	})
	mux.HandleFunc("GET /api/auth/oidc/{provider}/redirect", func(w http.ResponseWriter, r *http.Request) {
		who, page, err := oidc.Finish(r, w, r.PathValue("provider"))
		if err != nil {
			http.Error(w, "try again", http.StatusForbidden)
			return
		}
		from := auth.Client{UserAgent: r.UserAgent()}
		if address, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			from.IP = address.Addr()
		}
		in, err := service.SignInExternal(r.Context(), from, who)
		if err != nil {
			http.Error(w, "try again", http.StatusForbidden)
			return
		}
		service.SetCookie(w, r, in.Cookie)
		http.Redirect(w, r, page, http.StatusSeeOther)
	})
	fmt.Println(oidc.Providers()[0].Name)
	// Output: Company
}
