package config

import (
	"cmp"
	"os/exec"
	"slices"
)

// AppSettings is what the administrator says about an app.
type AppSettings struct {
	Active    *bool    `json:"active" doc:"Tasks may use it. Defaults to whether its program is on PATH, for ansible, terraform, tofu, terragrunt and bash, and to false for others."`
	Priority  *int     `json:"priority" doc:"Place in lists, the highest first."`
	Title     string   `json:"title" doc:"Name that is shown."`
	Icon      string   `json:"icon" doc:"Icon that is shown."`
	Color     string   `json:"color" doc:"Its colour."`
	DarkColor string   `json:"dark_color" doc:"Its colour in the dark."`
	Path      string   `json:"path" doc:"Program. Defaults to the usual one on PATH."`
	Args      []string `json:"args" doc:"First arguments, in place of the usual ones."`
}

// App is an app of the catalogue.
type App struct {
	ID        string   `json:"id"`
	Active    bool     `json:"active"`
	Priority  int      `json:"priority"`
	Title     string   `json:"title"`
	Icon      string   `json:"icon"`
	Color     string   `json:"color"`
	DarkColor string   `json:"dark_color"`
	Path      string   `json:"path"`
	Args      []string `json:"args"`
}

// builtinApp is an app that is in every catalogue; program is what makes it
// active where it is on PATH, "" for those that an admin switches on.
type builtinApp struct {
	App
	program string
}

func builtinApps() []builtinApp {
	return []builtinApp{
		{App{ID: "ansible", Priority: 1000, Title: "Ansible Playbook", Icon: "ansible", Color: "black", DarkColor: "white"}, "ansible-playbook"},
		{App{ID: "terraform", Priority: 900, Title: "Terraform Code", Icon: "terraform", Color: "#7b42bc"}, "terraform"},
		{App{ID: "terragrunt", Priority: 850, Title: "Terragrunt Code", Icon: "terragrunt"}, "terragrunt"},
		{App{ID: "tofu", Priority: 800, Title: "OpenTofu Code", Icon: "tofu", Color: "#ffda18"}, "tofu"},
		{App{ID: "bash", Priority: 700, Title: "Bash Script", Icon: "bash", Color: "black", DarkColor: "white"}, "bash"},
		{App{ID: "powershell", Priority: 600, Title: "PowerShell Script", Icon: "powershell", Color: "#5391fe"}, ""},
		{App{ID: "python", Priority: 500, Title: "Python Script", Icon: "python", Color: "#3776ab"}, ""},
	}
}

// Apps returns the catalogue: the seven built-in apps, whether active or not,
// and those that are configured, the highest priority first. onPath tells
// whether a program is on PATH; nil asks the process's own.
func (c *Config) Apps(onPath func(program string) bool) []App {
	if onPath == nil {
		onPath = func(program string) bool {
			_, err := exec.LookPath(program)
			return err == nil
		}
	}
	var list []App
	seen := map[string]bool{}
	for _, b := range builtinApps() {
		settings, ok := c.AppSettings[b.ID]
		b.Active = (!ok || settings.Active == nil) && b.program != "" && onPath(b.program)
		list = append(list, settings.over(b.App))
		seen[b.ID] = true
	}
	for id, settings := range c.AppSettings {
		if !seen[id] {
			list = append(list, settings.over(App{ID: id, Title: id}))
		}
	}
	slices.SortFunc(list, func(a, b App) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// over puts settings over an app.
func (s AppSettings) over(a App) App {
	if s.Active != nil {
		a.Active = *s.Active
	}
	if s.Priority != nil {
		a.Priority = *s.Priority
	}
	a.Title, a.Icon = cmp.Or(s.Title, a.Title), cmp.Or(s.Icon, a.Icon)
	a.Color, a.DarkColor = cmp.Or(s.Color, a.Color), cmp.Or(s.DarkColor, a.DarkColor)
	a.Path, a.Args = cmp.Or(s.Path, a.Path), slices.Clone(s.Args)
	return a
}
