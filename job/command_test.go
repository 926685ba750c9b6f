package job_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

func TestCommandOfAScriptShowsNoSecret(t *testing.T) {
	t.Parallel()
	b := setup(t)
	spec := b.spec("bash", "run.sh", directory(t, files{"run.sh": "echo ran\n"}))
	spec.Template.SecretArgs = true
	spec.Secrets = []job.SecretVar{
		{Name: "TOKEN", Kind: job.SecretExt, Value: job.NewSecret("correct-horse")},
		{Name: "PIN", Kind: job.SecretExt, Value: job.NewSecret("42")},
		{Name: "NOTE", Kind: job.SecretExt, Value: job.NewSecret("a\nsecond line\nb")},
		{Name: "ENV", Kind: job.SecretEnv, Value: job.NewSecret("battery staple")},
	}
	spec.TemplateArgs.List = []string{"--note", "x battery staple y\nsecond battery staple", "-n42"}
	rec := b.ok(spec)
	require.Equal(t, [][]string{{
		"bash", "run.sh", "TOKEN=***", "PIN=***", "NOTE=***", "--note", "x *** y\nsecond ***", "-n42",
	}}, rec.Commands())
}

func TestCommandComesForEachTerraformCommand(t *testing.T) {
	t.Parallel()
	tool := jobtest.NewFakeTool(t, "terraform", "exit 0")
	b := setup(t, func(c *job.LocalConfig) { c.Apps = map[string]job.App{"terraform": {Path: tool.Path}} })
	rec := b.ok(b.spec("terraform", "infra", directory(t, files{"infra/main.tf": ""})))
	var commands []string
	for i, argv := range rec.Commands() {
		require.Equal(t, tool.Calls(t)[i].Args, argv[1:])
		commands = append(commands, argv[0]+" "+argv[1])
	}
	require.Equal(t, []string{"terraform init", "terraform plan"}, commands)
}

func TestCommandOfAnsibleLeavesHelpersOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rec := b.ok(b.ansible(repository(t, files{
		"site.yml":         "- hosts: web1\n  gather_facts: false\n  tasks: []\n",
		"requirements.yml": "roles: []\n",
	}), "site.yml"))
	require.Len(t, rec.Commands(), 1)
	require.Equal(t, "ansible-playbook", rec.Commands()[0][0])
	require.Equal(t, "site.yml", rec.Commands()[0][len(rec.Commands()[0])-1])
}

// refusing is a sink that does not take command lines.
type refusing struct{ job.Discard }

func (refusing) Command(context.Context, []string) error { return errors.New("no room") }

func TestCommandThatIsRefusedEndsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	spec := b.spec("bash", "run.sh", directory(t, files{"run.sh": "true\n"}))
	require.NoError(t, b.local.Run(t.Context(), spec, refusing{}))
}
