package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/alexandervashurin/semaphore/internal/config"
)

// front listens and serves.
type front struct {
	servers   []*http.Server
	listeners []net.Listener
	errs      chan error
	serving   sync.WaitGroup
	url       string // where the server can be reached from this machine
}

// address is what to listen on: interface and port of the configuration.
func address(cfg *config.Config) string {
	port := strings.TrimPrefix(cfg.Port, ":")
	return net.JoinHostPort(strings.Trim(cfg.Interface, "[]"), port)
}

// localURL is where the server will be reached from this machine, "" where the
// system chooses its port.
func localURL(cfg *config.Config) string {
	port := strings.TrimPrefix(cfg.Port, ":")
	if port == "" || port == "0" {
		return ""
	}
	scheme := "http"
	if cfg.TLS.Enabled {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(shown(cfg.Interface), port)
}

// newFront opens the listeners, so that a port in use is an error at once.
func newFront(ctx context.Context, cfg *config.Config, handler http.Handler, log *slog.Logger) (*front, error) {
	f := &front{errs: make(chan error, 2)}
	main := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 5 * time.Minute, WriteTimeout: 2 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	scheme := "http"
	if cfg.TLS.Enabled {
		cert, err := tls.LoadX509KeyPair(cfg.TLS.CertFile, cfg.TLS.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("tls: %w: check tls.cert_file and tls.key_file", err)
		}
		main.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}
		scheme = "https"
	}
	if err := f.listen(ctx, main, address(cfg)); err != nil {
		return nil, err
	}
	port := f.listeners[0].Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // "tcp" gives no other
	f.url = scheme + "://" + net.JoinHostPort(shown(cfg.Interface), strconv.Itoa(port))
	if cfg.TLS.Enabled && cfg.TLS.HTTPRedirectPort > 0 {
		redirect := &http.Server{Handler: toHTTPS(port), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
		if err := f.listen(ctx, redirect, net.JoinHostPort(strings.Trim(cfg.Interface, "[]"), strconv.Itoa(cfg.TLS.HTTPRedirectPort))); err != nil {
			return nil, errors.Join(err, f.close(ctx))
		}
	}
	return f, nil
}

// shown is the host of the address that a person on this machine types.
func shown(iface string) string {
	if iface == "" || iface == "0.0.0.0" || iface == "::" || iface == "[::]" {
		return "127.0.0.1"
	}
	return strings.Trim(iface, "[]")
}

func (f *front) listen(ctx context.Context, s *http.Server, addr string) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen: %w: choose another port or interface", err)
	}
	f.servers, f.listeners = append(f.servers, s), append(f.listeners, l)
	return nil
}

// serve serves until close is called; errs tells of a server that ended by
// itself.
func (f *front) serve() {
	for i, s := range f.servers {
		f.serving.Go(func() {
			var err error
			if s.TLSConfig != nil {
				err = s.ServeTLS(f.listeners[i], "", "")
			} else {
				err = s.Serve(f.listeners[i])
			}
			if !errors.Is(err, http.ErrServerClosed) {
				f.errs <- fmt.Errorf("serve: %w", err)
			}
		})
	}
}

// close lets requests end for a moment, then ends them.
func (f *front) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	var errs []error
	for _, s := range f.servers {
		if err := s.Shutdown(ctx); err != nil {
			errs = append(errs, s.Close())
		}
	}
	for _, l := range f.listeners { // a server that never served does not know its own
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	f.serving.Wait()
	return errors.Join(errs...)
}

// toHTTPS sends plain requests on.
func toHTTPS(port int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if port != 443 {
			host = net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(port))
		}
		u := *r.URL
		u.Scheme, u.Host = "https", host
		http.Redirect(w, r, u.String(), http.StatusPermanentRedirect) //nolint:gosec // to this host by another scheme
	})
}
