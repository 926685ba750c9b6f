package hook_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/hook"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// field returns the field that an error names, "" for no error.
func field(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var f *job.FieldError
	require.ErrorAs(t, err, &f)
	return f.Field
}

func TestValidate(t *testing.T) {
	t.Parallel()
	id, zero := int64(7), int64(0)
	tests := []struct {
		name  string
		i     store.Integration
		field string
	}{
		{"nothing is asked", store.Integration{Name: "a", TemplateID: 1}, ""},
		{"none is nothing", store.Integration{Name: "a", TemplateID: 1, AuthMethod: "none"}, ""},
		{"github with a key", store.Integration{Name: "a", TemplateID: 1, AuthMethod: "github", AuthSecretID: &id}, ""},
		{"github without a key", store.Integration{Name: "a", TemplateID: 1, AuthMethod: "github"}, "auth_secret_id"},
		{"basic with key 0", store.Integration{Name: "a", TemplateID: 1, AuthMethod: "basic", AuthSecretID: &zero}, "auth_secret_id"},
		{"hmac without a header", store.Integration{Name: "a", TemplateID: 1, AuthMethod: "hmac", AuthSecretID: &id}, "auth_header"},
		{"token with no header's name", store.Integration{Name: "a", TemplateID: 1, AuthMethod: "token", AuthSecretID: &id, AuthHeader: "X Token"}, "auth_header"},
		{"token", store.Integration{Name: "a", TemplateID: 1, AuthMethod: "token", AuthSecretID: &id, AuthHeader: "X-Gitlab-Token"}, ""},
		{"an unknown method", store.Integration{Name: "a", TemplateID: 1, AuthMethod: "GitHub", AuthSecretID: &id}, "auth_method"},
		{"no name", store.Integration{Name: " ", TemplateID: 1}, "name"},
		{"no template", store.Integration{Name: "a"}, "template_id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.field, field(t, hook.Validate(tt.i)))
		})
	}
}

func TestValidateMatcher(t *testing.T) {
	t.Parallel()
	unnamed := matcher("header", "", "X-A", "equals", "v")
	unnamed.Name = ""
	tests := []struct {
		m     store.IntegrationMatcher
		field string
	}{
		{matcher("header", "", "X-A", "equals", "v"), ""},
		{matcher("body", "json", "a.[0].b", "unequals", "v"), ""},
		{matcher("body", "string", "body", "contains", "v"), ""},
		{unnamed, "name"},
		{matcher("query", "", "X-A", "equals", "v"), "match_type"},
		{matcher("header", "", "X-A", "", "v"), "method"},
		{matcher("header", "", "X-A", "equals", ""), "value"},
		{matcher("header", "", "", "equals", "v"), "key"},
		{matcher("header", "", "X:A", "equals", "v"), "key"},
		{matcher("body", "xml", "a", "equals", "v"), "body_data_type"},
		{matcher("body", "json", "", "equals", "v"), "key"},
		{matcher("body", "json", strings.Repeat("a.", hook.MaxDepth)+"a", "equals", "v"), "key"},
		{matcher("body", "json", strings.Repeat("a", 5000), "equals", "v"), "key"},
	}
	for _, tt := range tests {
		require.Equal(t, tt.field, field(t, hook.ValidateMatcher(tt.m)), "%+v", tt.m)
	}
}

func TestValidateExtractor(t *testing.T) {
	t.Parallel()
	unnamed := extractor("header", "", "X-A", "v", "")
	unnamed.Name = ""
	tests := []struct {
		e     store.IntegrationExtractor
		field string
	}{
		{extractor("header", "", "X-A", "v", ""), ""},
		{extractor("body", "json", "a", "v", "environment"), ""},
		{extractor("body", "string", "", "v", "environment"), ""},
		{extractor("body", "json", "a", "limit", "task"), ""},
		{unnamed, "name"},
		{extractor("cookie", "", "a", "v", ""), "value_source"},
		{extractor("body", "", "a", "v", ""), "body_data_type"},
		{extractor("body", "json", "", "v", ""), "key"},
		{extractor("header", "", "", "v", ""), "key"},
		{extractor("header", "", "X-A", "", ""), "variable"},
		{extractor("header", "", "X-A", "a b", ""), "variable"},
		{extractor("header", "", "X-A", "a=b", ""), "variable"},
		{extractor("header", "", "X-A", "-a", ""), "variable"},
		{extractor("header", "", "X-A", "path", ""), "variable"},
		{extractor("header", "", "X-A", "Ansible_host", ""), "variable"},
		{extractor("header", "", "X-A", "SEMAPHORE_X", ""), "variable"},
		{extractor("header", "", "X-A", strings.Repeat("a", 300), ""), "variable"},
		{extractor("header", "", "X-A", "v", "secret"), "variable_type"},
	}
	for _, tt := range tests {
		require.Equal(t, tt.field, field(t, hook.ValidateExtractor(tt.e)), "%+v", tt.e)
	}
}
