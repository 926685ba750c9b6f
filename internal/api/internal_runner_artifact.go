package api

import (
	"errors"
	"net/http"

	"github.com/alexandervashurin/semaphore/job"
)

// cipher opens and seals in the session.
func (c runnerCall) cipher() (job.RemoteCipher, error) { return job.NewRemoteCipher(c.session.Key) }

// open decrypts what the runner sealed. What does not open was sealed in a
// session before this one.
func (c runnerCall) open(sealed []byte, place string) ([]byte, error) {
	cipher, err := c.cipher()
	if err != nil {
		return nil, errSession()
	}
	plain, err := cipher.Open(sealed, place)
	if err != nil {
		return nil, errSession()
	}
	return plain, nil
}

func (c runnerCall) lockState() error {
	var in job.RemoteState
	if err := c.decode(&in); err != nil {
		return err
	}
	err := c.runner.LockState(c.ctx(), in.Key, in.Task)
	var locked *job.LockedError
	switch {
	case errors.As(err, &locked):
		return c.json(http.StatusOK, job.RemoteLock{Holder: &locked.Holder})
	case err != nil:
		return err
	}
	return c.json(http.StatusOK, job.RemoteLock{})
}

func (c runnerCall) unlockState() error {
	var in job.RemoteState
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := c.runner.UnlockState(c.ctx(), in.Key, in.Task); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

func (c runnerCall) loadState() error {
	var in job.RemoteState
	if err := c.decode(&in); err != nil {
		return err
	}
	state, err := c.runner.LoadState(c.ctx(), in.Key)
	if err != nil {
		return err
	}
	reply := job.RemoteStateData{Lineage: state.Lineage, Serial: state.Serial}
	if len(state.Data) > 0 {
		cipher, err := c.cipher()
		if err != nil {
			return errSession()
		}
		reply.Data = cipher.Seal(state.Data, job.RemoteStatePlace(job.RemoteDown, in.Key, state.Lineage, state.Serial))
	}
	return c.json(http.StatusOK, reply)
}

func (c runnerCall) saveState() error {
	var in job.RemoteState
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.Next == nil {
		return invalid("next", "is missing: send the new state")
	}
	data, err := c.open(in.Next.Data, job.RemoteStatePlace(job.RemoteUp, in.Key, in.Next.Lineage, in.Next.Serial))
	if err != nil {
		return err
	}
	prev := job.TerraformState{Lineage: in.Prev.Lineage, Serial: in.Prev.Serial}
	next := job.TerraformState{Lineage: in.Next.Lineage, Serial: in.Next.Serial, Data: data}
	if err := c.runner.SaveState(c.ctx(), in.Key, prev, next); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

func (c runnerCall) saveBundle() error {
	var in job.RemoteBundle
	if err := c.decode(&in); err != nil {
		return err
	}
	data, err := c.open(in.Data, job.RemoteBundlePlace(job.RemoteUp, in.Lease.TaskID, in.Part, in.Last))
	if err != nil {
		return err
	}
	if err := c.runner.SaveBundlePart(c.ctx(), in.Lease, in.Part, in.Last, data); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

func (c runnerCall) loadBundle() error {
	var in job.RemoteBundle
	if err := c.decode(&in); err != nil {
		return err
	}
	data, last, err := c.runner.BundlePart(c.ctx(), in.Lease, in.Part)
	if errors.Is(err, job.ErrNoBundle) {
		return c.json(http.StatusOK, job.RemoteBundle{Part: in.Part, Missing: true})
	}
	if err != nil {
		return err
	}
	cipher, err := c.cipher()
	if err != nil {
		return errSession()
	}
	place := job.RemoteBundlePlace(job.RemoteDown, in.Lease.TaskID, in.Part, last)
	return c.json(http.StatusOK, job.RemoteBundle{Part: in.Part, Last: last, Data: cipher.Seal(data, place)})
}
