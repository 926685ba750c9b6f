package api

import (
	"context"
	"net/http"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

// Apps is the catalogue of apps that templates may name.
type Apps interface {
	// List returns all apps, sorted by priority, inactive ones included.
	List(ctx context.Context) ([]App, error)
	// Set stores what an administrator says about one; Delete forgets that.
	Set(ctx context.Context, tx store.Store, app App) error
	Delete(ctx context.Context, tx store.Store, id string) error
}

// App is an app as clients see it.
type App struct {
	ID        string   `json:"id"`
	Active    bool     `json:"active"`
	Priority  int      `json:"priority"`
	Title     string   `json:"title"`
	Icon      string   `json:"icon"`
	Color     string   `json:"color"`
	DarkColor string   `json:"dark_color"`
	Path      string   `json:"path"`
	Args      []string `json:"args"`
}

// Alerts sends the test notification of a project on every channel that is
// switched on, and tells which channels failed.
type Alerts interface {
	Test(ctx context.Context, project store.Project) error
}

// Secrets reaches storages outside.
type Secrets interface {
	// Check refuses a key whose source may not be named.
	Check(key store.AccessKey) error
	// ValidateStorage refuses a storage that cannot work.
	ValidateStorage(s store.SecretStorage) error
	// Save writes the content of a key that lives in a storage which may be
	// written; Remove deletes it there.
	Save(ctx context.Context, tx store.Store, key store.AccessKey) error
	Remove(ctx context.Context, key store.AccessKey) error
}

// SignIns are the providers of OpenID Connect.
type SignIns interface {
	// Providers lists them in order.
	Providers() []Provider
	// Begin redirects to a provider; Finish takes its answer, or fails.
	Begin(w http.ResponseWriter, r *http.Request, provider, returnTo string) error
	Finish(r *http.Request, w http.ResponseWriter, provider string) (who auth.External, returnTo string, err error)
}

// Provider is a button of the sign-in page.
type Provider = auth.Provider
