package unittest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/examples/unittest"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
)

func TestRelease(t *testing.T) {
	t.Parallel()
	p := pooltest.New(t, pooltest.Options{Script: func(s *job.Spec) jobtest.Script {
		return jobtest.Script{ExitCode: map[any]int{"bad": 1}[s.Variables["version"]]}
	}})
	deploy := p.Template(store.Template{Playbook: "deploy.sh", SurveyVars: []store.SurveyVar{{Name: "version", Required: true}}})
	require.NoError(t, unittest.Release(t.Context(), p.TaskPool, deploy, "1.2"))
	require.ErrorContains(t, unittest.Release(t.Context(), p.TaskPool, deploy, "bad"), "exit code 1")
	require.ErrorIs(t, unittest.Release(t.Context(), p.TaskPool, deploy, ""), job.ErrInvalid)
	require.Len(t, p.Fake.Runs(), 2)
}
