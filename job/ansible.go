package job

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/alexandervashurin/semaphore/job/internal/proc"
)

// runAnsible runs a playbook: inventory, keys and passwords, roles and
// collections, then ansible-playbook.
func (r *run) runAnsible() error {
	dirs, err := r.dirs()
	if err != nil {
		return err
	}
	env := toolEnviron(r.spec, r.base, dirs, r.commit)
	if err := r.prepareSSH(env, dirs); err != nil {
		return err
	}
	if err := r.offerKeys(env); err != nil {
		return err
	}
	files, err := r.ansibleFiles(env)
	if err != nil {
		return err
	}
	if err := r.handOver(); err != nil {
		return err
	}
	if err := r.installRequirements(env); err != nil {
		return err
	}
	r.warnPrompts()
	r.status(Running, PhaseRun, "ansible-playbook "+r.spec.Playbook)
	locked := false
	err = r.exec(command{
		path: r.tool.path, args: append(r.tool.args, ansibleArgs(r.spec, files)...),
		env: env.list(), dir: r.checkout.work, keep: r.spec.Template.KeepBackground, proper: true,
		quiet:  func(leftover string) bool { return strings.HasPrefix(leftover, "ssh ") },
		onLine: func(line string) { locked = locked || vaultRefused(line) },
	})
	if err != nil && locked {
		return fmt.Errorf("vaults: none of the given passwords opens a file or value that the playbook needs: %w", err)
	}
	return err
}

// vaultRefused knows how Ansible says that no vault password fits.
func vaultRefused(line string) bool {
	return strings.Contains(line, "Decryption failed (no vault secrets were found that could decrypt)") ||
		strings.Contains(line, "Attempting to decrypt but no vault secrets found")
}

// ansibleFiles writes what the command line names.
func (r *run) ansibleFiles(env *environ) (ansibleFiles, error) {
	var files ansibleFiles
	var err error
	if files.inventory, err = r.installInventory(); err != nil {
		return files, err
	}
	vars, err := marshalPlain(ansibleVariables(r.spec, r.commit))
	if err != nil {
		return files, invalid("variables", "cannot be written as JSON: %v", err)
	}
	if files.extraVars, err = r.dir.secret("extra_vars.json", vars); err != nil {
		return files, err
	}
	if err := r.passwordFiles(&files, env); err != nil {
		return files, err
	}
	files.vaultIDs, err = r.vaultFiles()
	return files, err
}

// passwordFiles writes the connection and become passwords for the options
// that Ansible has since 2.12; older versions find them in a first inventory.
func (r *run) passwordFiles(files *ansibleFiles, env *environ) error {
	inv := r.spec.Inventory
	if inv == nil {
		return nil
	}
	connection, become := keyPassword(inv.UserKey), keyPassword(inv.BecomeKey)
	if connection.Empty() && become.Empty() {
		return nil
	}
	if version := r.ansibleVersion(env); version != "" && olderThan(version, 2, 12) {
		vars := map[string]any{}
		if !connection.Empty() {
			vars["ansible_password"] = map[string]any{"__ansible_unsafe": connection.Reveal()}
		}
		if !become.Empty() {
			vars["ansible_become_password"] = map[string]any{"__ansible_unsafe": become.Reveal()}
		}
		text, err := marshalPlain(map[string]any{"all": map[string]any{"vars": vars}})
		if err != nil {
			return fmt.Errorf("write passwords: %w", err)
		}
		path, err := r.dir.secret("passwords.yml", text)
		files.inventory = append([]string{path}, files.inventory...)
		return err
	}
	var err error
	if !connection.Empty() {
		if files.connectionPassword, err = r.dir.secret("connection_password", []byte(connection.Reveal()+"\n")); err != nil {
			return err
		}
	}
	if !become.Empty() {
		files.becomePassword, err = r.dir.secret("become_password", []byte(become.Reveal()+"\n"))
	}
	return err
}

func keyPassword(k *Key) Secret {
	if k == nil || k.Type != KeyLoginPassword {
		return Secret{}
	}
	return k.Password
}

var versionPattern = regexp.MustCompile(`^ansible\S* (?:\[core )?([0-9]+\.[0-9]+[0-9A-Za-z.]*)`)

// ansibleVersion asks the program, once per run; "" when it does not say.
func (r *run) ansibleVersion(env *environ) string {
	if r.version != "" {
		return r.version
	}
	out, err := r.capture(command{path: r.tool.path, args: append(r.tool.args, "--version"), env: env.list(), dir: r.checkout.work})
	if err != nil {
		return ""
	}
	if m := versionPattern.FindSubmatch(out); m != nil {
		r.version = string(m[1])
	}
	return r.version
}

func olderThan(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	haveMajor, err1 := strconv.Atoi(parts[0])
	haveMinor, err2 := strconv.Atoi(parts[1])
	if err1 != nil || err2 != nil {
		return false
	}
	return haveMajor < major || haveMajor == major && haveMinor < minor
}

// capture runs a short command for what it prints, which is not logged.
func (r *run) capture(c command) ([]byte, error) {
	if r.ctx.Err() != nil {
		return nil, stopCause(r.ctx)
	}
	cfg := r.procConfig(c)
	p, err := proc.Start(cfg)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(c.path), err)
	}
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-r.ctx.Done():
			p.Kill()
		case <-done:
		}
	}()
	out, readErr := readBounded(p.Output())
	exit := p.Wait()
	close(done)
	<-stopped
	switch {
	case r.ctx.Err() != nil:
		return nil, stopCause(r.ctx)
	case exit.Code != 0 || exit.Signal != "":
		return out, &ExitError{Tool: filepath.Base(c.path), Code: exit.Code, Signal: exit.Signal}
	}
	return out, readErr
}

// captureLimit bounds what a captured command may print; plans as JSON are the
// largest.
const captureLimit = 256 << 20

// readBounded reads to the end, so that the command is not held up, and keeps
// what fits.
func readBounded(r io.Reader) ([]byte, error) {
	out, err := io.ReadAll(io.LimitReader(r, captureLimit))
	if err != nil {
		return nil, err
	}
	rest, err := io.Copy(io.Discard, r)
	if err == nil && rest > 0 {
		err = fmt.Errorf("it printed more than %d MB", captureLimit>>20)
	}
	return out, err
}

var promptPattern = regexp.MustCompile(`(?m)^[ -]*vars_prompt:`)

// warnPrompts says that questions of a playbook get no answer: there is no
// terminal, and Ansible silently goes on without a value.
func (r *run) warnPrompts() {
	file := r.spec.Playbook
	if !filepath.IsAbs(file) {
		file = filepath.Join(r.checkout.root, file)
	}
	text, err := os.ReadFile(file)
	if err == nil && promptPattern.Match(text) {
		r.out.System("warning: %s asks with vars_prompt; there is nobody to answer, so variables that are not set get no value", r.spec.Playbook)
	}
}
