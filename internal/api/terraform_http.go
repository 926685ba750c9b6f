package api

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the protocol's check of what was carried, not of who sent it
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// stateLimit is how large a state may be.
const stateLimit = 64 << 20

// stateProtocol are the routes of Terraform's http backend.
func (s *Server) stateProtocol() []route {
	on := func(method string, limit int64, handle func(*call, remoteState) error) route {
		return route{method: method, path: "/terraform/{alias}", right: anyone, open: true, limit: limit, handle: func(c *call) error {
			r, err := s.admitTerraform(c)
			if err == nil {
				err = handle(c, r)
			}
			var busy busyError
			if errors.As(err, &busy) {
				return c.raw(http.StatusLocked, busy.info)
			}
			return err
		}}
	}
	return []route{
		on("GET", 0, getState),
		on("POST", stateLimit, postState),
		on("DELETE", 0, dropState),
		on("LOCK", lockLimit, lockState),
		on("UNLOCK", lockLimit, unlockState),
	}
}

// raw answers with JSON as it is.
func (c *call) raw(status int, data []byte) error {
	c.w.Header().Set("Content-Type", "application/json")
	c.w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	c.w.WriteHeader(status)
	if _, err := c.w.Write(data); err != nil {
		return errGone
	}
	return nil
}

// admitTerraform checks login and password of the key that the address names,
// and finds the state. The address of a task is proof enough.
func (s *Server) admitTerraform(c *call) (remoteState, error) {
	denied := func() (remoteState, error) {
		c.w.Header().Set("WWW-Authenticate", `Basic realm="terraform"`)
		return remoteState{}, answer(http.StatusUnauthorized, "login or password is wrong, or there is no state at this address")
	}
	if alias := c.r.PathValue("alias"); strings.HasPrefix(alias, taskStatePrefix) {
		r, ok, err := s.stateOfTask(c.ctx(), alias)
		if err == nil && !ok {
			return denied()
		}
		return r, err
	}
	login, password, ok := c.r.BasicAuth()
	if !ok {
		return denied()
	}
	alias, err := first(c.ctx(), s.st.Artifacts().TerraformAliases(), store.AnyScope, store.Query{Where: map[string]any{"alias": c.r.PathValue("alias")}})
	if errors.Is(err, store.ErrNotFound) {
		return denied()
	}
	if err != nil {
		return remoteState{}, err
	}
	key, err := s.st.Keys().Get(c.ctx(), alias.ProjectID, alias.AuthKeyID)
	if err != nil {
		return remoteState{}, err
	}
	want, err := s.loginPassword(c.ctx(), key)
	if err != nil {
		s.log.Warn("key of a Terraform address cannot be used", slog.Int64("key_id", key.ID), slog.Any("error", err))
		return denied()
	}
	sameLogin, samePassword := crypto.Equal(login, want.Login), crypto.Equal(password, want.Password)
	if !sameLogin || !samePassword || want.Password == "" {
		return denied()
	}
	inventory, err := s.st.Inventories().Get(c.ctx(), alias.ProjectID, alias.InventoryID)
	if err != nil {
		return remoteState{}, err
	}
	return s.stateOf(inventory)
}

// getState answers with the newest version, or 404 for none.
func getState(c *call, r remoteState) error {
	state, err := r.states().Load(c.ctx(), job.StateKey(r.key))
	if err != nil {
		return err
	}
	if len(state.Data) == 0 {
		return answer(http.StatusNotFound, "no state yet")
	}
	return c.raw(http.StatusOK, state.Data)
}

// postState stores a version. While the state is locked, ID has to name the
// lock.
func postState(c *call, r remoteState) error {
	data, err := c.bytes()
	if err != nil {
		return err
	}
	if sent := c.r.Header.Get("Content-MD5"); sent != "" {
		sum := md5.Sum(data) //nolint:gosec // as above
		if sent != base64.StdEncoding.EncodeToString(sum[:]) {
			return answer(http.StatusBadRequest, "Content-MD5 is not that of the body: send it again")
		}
	}
	if err := r.writable(c.ctx(), c.r.URL.Query().Get("ID")); err != nil {
		return err
	}
	if err := r.save(c.ctx(), data); err != nil {
		return err
	}
	return c.empty(http.StatusOK)
}

// bytes reads the body as it is.
func (c *call) bytes() ([]byte, error) {
	data, err := io.ReadAll(c.r.Body)
	var large *http.MaxBytesError
	if err != nil && !errors.As(err, &large) {
		err = errGone
	}
	return data, err
}

// dropState leaves the workspace without a state. The versions so far stay.
func dropState(c *call, r remoteState) error {
	if err := r.writable(c.ctx(), c.r.URL.Query().Get("ID")); err != nil {
		return err
	}
	if err := r.replace(c.ctx(), job.TerraformState{}); err != nil {
		return err
	}
	return c.empty(http.StatusOK)
}

// lockState takes the lock that the body describes.
func lockState(c *call, r remoteState) error {
	data, err := c.bytes()
	if err != nil {
		return err
	}
	var info lockInfo
	if err := json.Unmarshal(data, &info); err != nil || info.ID == "" || len(info.ID) > 200 {
		return answer(http.StatusBadRequest, "the body describes no lock: send one with an ID")
	}
	if err := r.lock(c.ctx(), info, data); err != nil {
		return err
	}
	return c.empty(http.StatusOK)
}

// unlockState gives the lock back that the body describes. An empty body is
// what force-unlock sends.
func unlockState(c *call, r remoteState) error {
	data, err := c.bytes()
	if err != nil {
		return err
	}
	var info lockInfo
	if len(bytes.TrimSpace(data)) > 0 {
		if err := json.Unmarshal(data, &info); err != nil || info.ID == "" {
			return answer(http.StatusBadRequest, "the body describes no lock: send the one that was taken")
		}
	}
	// The client may hang up as soon as it has asked: half a release helps nobody.
	if err := r.unlock(context.WithoutCancel(c.ctx()), info.ID); err != nil {
		return err
	}
	return c.empty(http.StatusOK)
}
