package job

import "path/filepath"

// runScript runs a script with its interpreter, or pulumi, or an app of the
// administrator's own.
func (r *run) runScript() error {
	dirs, err := r.dirs()
	if err != nil {
		return err
	}
	env := toolEnviron(r.spec, r.base, dirs, r.commit)
	if r.spec.Template.SecretArgs {
		r.out.System("warning: secret_args gives secrets as arguments, which every user of this machine can read")
	}
	if err := r.offerKeys(env); err != nil {
		return err
	}
	if err := r.handOver(); err != nil {
		return err
	}
	r.status(Running, PhaseRun, filepath.Base(r.tool.path)+" "+r.spec.Playbook)
	return r.exec(command{
		path: r.tool.path, args: append(r.tool.args, scriptArgs(r.spec)...),
		env: env.list(), dir: r.checkout.work, leader: r.tool.leader,
		keep: r.spec.Template.KeepBackground, proper: true,
	})
}
