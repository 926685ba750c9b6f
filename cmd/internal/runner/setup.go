package runner

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/alexandervashurin/semaphore/internal/config"
)

// configName is the file that setup writes.
const configName = "config.runner.json"

// setup asks for what a runner needs and writes it.
func (o Options) setup(ctx context.Context) error {
	in := bufio.NewReader(o.In)
	defaults, _, err := config.Load(config.Options{NoFile: true})
	if err != nil {
		return err
	}
	host, err := o.must(in, "Address of the server (such as https://ci.example.org)")
	if err != nil {
		return err
	}
	dir, err := o.ask(in, "Directory of the runner", filepath.Join(defaults.DataDir, "runner"))
	if err != nil {
		return err
	}
	tasks, err := o.number(in, "Tasks at once", "1")
	if err != nil {
		return err
	}
	token, err := o.ask(in, "Registration token (empty: register later)", "")
	if err != nil {
		return err
	}
	out, err := o.ask(in, "Directory of "+configName, ".")
	if err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return fmt.Errorf("directory of the runner: %w", err)
	}
	file, err := writeConfig(out, map[string]any{
		"web_host": host, "data_dir": dir,
		"runner": map[string]any{
			"token_file": filepath.Join(dir, tokenName), "private_key_file": filepath.Join(dir, keyName), "max_parallel_tasks": tasks,
		},
	})
	if err != nil {
		return err
	}
	o.say("configuration written to %s", file)
	cfg, _, err := config.Load(config.Options{File: file})
	if err != nil {
		return err
	}
	if token != "" {
		id, err := identityOf(cfg)
		if err != nil {
			return err
		}
		if err := o.enroll(ctx, cfg, id, token); err != nil {
			return err
		}
	}
	fmt.Fprintf(o.Out, "start the runner with\n\n    %s start --config %s\n", o.Program, file)
	return nil
}

// writeConfig writes a new file. One that exists stays.
func writeConfig(dir string, values map[string]any) (string, error) {
	text, err := json.MarshalIndent(values, "", "  ")
	if err != nil {
		return "", fmt.Errorf("encode configuration: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("directory of the configuration: %w", err)
	}
	file := filepath.Join(dir, configName)
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("%s exists and stays as it is: choose another directory, or remove it", file)
	}
	if err != nil {
		return "", fmt.Errorf("write configuration: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	return file, errors.Join(err, f.Close())
}

// ask returns the answer, or the default for an empty one.
func (o Options) ask(in *bufio.Reader, question, otherwise string) (string, error) {
	fmt.Fprint(o.Out, question)
	if otherwise != "" {
		fmt.Fprintf(o.Out, " (default %s)", otherwise)
	}
	fmt.Fprint(o.Out, ": ")
	text, err := in.ReadString('\n')
	if err != nil && (text == "" || !errors.Is(err, io.EOF)) {
		fmt.Fprintln(o.Out)
		return "", errors.New("the input has ended before every question had its answer")
	}
	if text = strings.TrimSpace(text); text == "" {
		return otherwise, nil
	}
	return text, nil
}

// must asks until there is an answer.
func (o Options) must(in *bufio.Reader, question string) (string, error) {
	for {
		text, err := o.ask(in, question, "")
		if err != nil || text != "" {
			return text, err
		}
	}
}

// number asks until the answer is one.
func (o Options) number(in *bufio.Reader, question, otherwise string) (int, error) {
	for {
		text, err := o.ask(in, question, otherwise)
		if err != nil {
			return 0, err
		}
		if n, err := strconv.Atoi(text); err == nil && n >= 0 {
			return n, nil
		}
		fmt.Fprintln(o.Out, "a number, please; 0 is no limit")
	}
}
