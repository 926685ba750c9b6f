package job

import (
	"context"
	"path/filepath"
	"strings"
)

// CommandSink is what a [Sink] may offer beside its methods, for those who show
// how a tool was called.
type CommandSink interface {
	// Command receives a command line of the tool proper just before it starts:
	// the program's base name, then its arguments, secrets replaced by ***. It is
	// called for ansible-playbook, for scripts and for each command of the
	// Terraform family; not for git, nor for helpers such as ansible-galaxy. It
	// is called like the methods of Sink, keeps argv, and may fail without ending
	// the run.
	Command(ctx context.Context, argv []string) error
}

// tellCommand shows the sink how c is called, if it wants to know.
func (r *run) tellCommand(c command) {
	err := r.out.do(func(ctx context.Context, sink Sink) error {
		commands, ok := sink.(CommandSink)
		if !ok {
			return nil
		}
		return commands.Command(ctx, append([]string{filepath.Base(c.path)}, r.maskArgs(c.args)...))
	})
	if err != nil {
		r.job.cfg.Log.Warn("report command", "task_id", r.spec.Task.ID, "error", err)
	}
}

// maskArgs returns args as they may be shown. Secrets that are arguments by
// themselves are hidden however short they are.
func (r *run) maskArgs(args []string) []string {
	hidden := map[string]string{}
	for _, secret := range r.spec.Secrets {
		hidden[secret.Name+"="+secret.Value.Reveal()] = secret.Name + "=***"
	}
	shown := make([]string, 0, len(args))
	for _, arg := range args {
		text, ok := hidden[arg]
		if !ok {
			text = r.maskText(arg)
		}
		shown = append(shown, text)
	}
	return shown
}

// maskText masks a text that may have several lines: the masker takes one.
func (r *run) maskText(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	parts := strings.Split(text, "\n")
	for i, part := range parts {
		line, _ := r.masker.Line([]byte(part))
		parts[i] = string(line)
	}
	return strings.Join(parts, "\n")
}
