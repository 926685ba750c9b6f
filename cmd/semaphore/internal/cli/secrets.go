package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"

	"github.com/alexandervashurin/semaphore/job"
)

// asker asks a person on the terminal.
type asker struct {
	in  io.Reader
	out io.Writer

	mu     sync.Mutex
	reader *bufio.Reader
}

// secret asks for a secret, which is not shown.
func (a *asker) secret(what string) (job.Secret, error) {
	f, ok := a.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return job.Secret{}, usage("%s is needed and there is no terminal to ask on: give it in a file or the environment", what)
	}
	fmt.Fprintf(a.out, "%s: ", what)
	text, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(a.out)
	if err != nil {
		return job.Secret{}, fmt.Errorf("read %s: %w", what, err)
	}
	return job.NewSecret(string(text)), nil
}

// line reads one line of input; "" with false at its end.
func (a *asker) line() (string, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.reader == nil {
		a.reader = bufio.NewReader(a.in)
	}
	text, err := a.reader.ReadString('\n')
	if err != nil && text == "" {
		return "", false
	}
	return strings.TrimSpace(text), true
}

// readSecret reads the value of --secret NAME, NAME=@FILE or NAME=env:OTHER.
func readSecret(flag, arg string, a *asker) (string, job.Secret, error) {
	name, source, given := strings.Cut(arg, "=")
	if name == "" {
		return "", job.Secret{}, usage("%s needs a name", flag)
	}
	switch {
	case !given:
		if value, ok := os.LookupEnv(name); ok {
			return name, job.NewSecret(value), nil
		}
		value, err := a.secret(name)
		return name, value, err
	case strings.HasPrefix(source, "@"):
		value, err := secretFile(flag, source[1:])
		return name, value, err
	case strings.HasPrefix(source, "env:"):
		value, ok := os.LookupEnv(source[len("env:"):])
		if !ok {
			return "", job.Secret{}, usage("%s %s: the environment variable %s is not set", flag, name, source[len("env:"):])
		}
		return name, job.NewSecret(value), nil
	default:
		return "", job.Secret{}, usage("%s %s: a secret on a command line is seen by every user of the machine: give %s=@FILE, %s=env:OTHER, or %s alone", flag, name, name, name, name)
	}
}

// secretFile reads a secret from a file, without the line feed at its end.
func secretFile(flag, path string) (job.Secret, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return job.Secret{}, usage("%s: %v", flag, pathError(err))
	}
	return job.NewSecret(strings.TrimRight(string(text), "\r\n")), nil
}

func pathError(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return fmt.Errorf("%s: %w", pe.Path, pe.Err)
	}
	return err
}
