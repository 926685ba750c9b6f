package config

// LDAP configures sign-in by a directory.
type LDAP struct {
	LDAPEnable        bool           `json:"ldap_enable" env:"SEMAPHORE_LDAP_ENABLE,SEMAPHORE_LDAP_ACTIVATED" doc:"Ask a directory when somebody signs in."`
	LDAPServer        string         `json:"ldap_server" env:"SEMAPHORE_LDAP_SERVER" doc:"Host and port of the directory."`
	LDAPBindDN        string         `json:"ldap_binddn" env:"SEMAPHORE_LDAP_BIND_DN,SEMAPHORE_LDAP_DN_BIND" doc:"Account that searches."`
	LDAPBindPassword  Secret         `json:"ldap_bindpassword" env:"SEMAPHORE_LDAP_BIND_PASSWORD,SEMAPHORE_LDAP_PASSWORD" doc:"Its password."`
	LDAPSearchDN      string         `json:"ldap_searchdn" env:"SEMAPHORE_LDAP_SEARCH_DN,SEMAPHORE_LDAP_DN_SEARCH" doc:"Where the search begins."`
	LDAPSearchFilter  string         `json:"ldap_searchfilter" env:"SEMAPHORE_LDAP_SEARCH_FILTER" default:"(uid=%s)" rule:"filter" doc:"Filter; %s stands for the login."`
	LDAPNeedTLS       bool           `json:"ldap_needtls" env:"SEMAPHORE_LDAP_NEEDTLS" doc:"Connect by TLS."`
	LDAPStartTLS      bool           `json:"ldap_starttls" env:"SEMAPHORE_LDAP_STARTTLS" doc:"Connect in the clear and change to TLS."`
	LDAPCAFile        string         `json:"ldap_ca_file" env:"SEMAPHORE_LDAP_CA_FILE" doc:"Certificates that the directory's is checked against, PEM. Defaults to those of the system."`
	LDAPTLSSkipVerify bool           `json:"ldap_tls_skip_verify" env:"SEMAPHORE_LDAP_TLS_SKIP_VERIFY" doc:"Do not check the certificate of the directory."`
	LDAPMappings      LDAPMappings   `json:"ldap_mappings" doc:"Attributes of an account: names, alternatives by |, or templates such as {{ .mail }}."`
	LDAPGroupMappings []GroupMapping `json:"ldap_group_mappings" env:"SEMAPHORE_LDAP_GROUP_MAPPINGS" doc:"What members of a group become."`
}

// LDAPMappings names attributes.
type LDAPMappings struct {
	DN   string `json:"dn" env:"SEMAPHORE_LDAP_MAPPING_DN" default:"dn" doc:"Distinguished name."`
	Mail string `json:"mail" env:"SEMAPHORE_LDAP_MAPPING_MAIL,SEMAPHORE_LDAP_MAPPING_EMAIL" default:"mail" doc:"E-mail address."`
	UID  string `json:"uid" env:"SEMAPHORE_LDAP_MAPPING_UID,SEMAPHORE_LDAP_MAPPING_USERNAME" default:"uid" doc:"Login."`
	CN   string `json:"cn" env:"SEMAPHORE_LDAP_MAPPING_CN,SEMAPHORE_LDAP_MAPPING_FULLNAME" default:"cn" doc:"Name."`
	// Group is read for group mappings.
	Group string `json:"group" env:"SEMAPHORE_LDAP_MAPPING_GROUP" default:"memberOf" doc:"Groups, for ldap_group_mappings."`
}

// GroupMapping says what the members of a group become at sign-in.
type GroupMapping struct {
	Group   string `json:"group" rule:"required" doc:"Group as the provider names it."`
	Admin   bool   `json:"admin" doc:"Members are admins."`
	Project string `json:"project" doc:"Id or name of a project they are in."`
	Role    string `json:"role" doc:"Their role there."`
}

// Provider is a provider of OpenID Connect.
type Provider struct {
	ClientID         string         `json:"client_id" doc:"Id of this client."`
	ClientIDFile     string         `json:"client_id_file" doc:"File with the id, in place of client_id."`
	ClientSecret     Secret         `json:"client_secret" doc:"Secret of this client."`
	ClientSecretFile string         `json:"client_secret_file" doc:"File with the secret, in place of client_secret."`
	RedirectURL      string         `json:"redirect_url" rule:"url" doc:"Defaults to <web_host>/api/auth/oidc/<id>/redirect."`
	Scopes           []string       `json:"scopes" doc:"Defaults to openid, profile, email."`
	DisplayName      string         `json:"display_name" doc:"Text of the button."`
	Color            string         `json:"color" doc:"Its colour."`
	Icon             string         `json:"icon" doc:"Its icon."`
	ProviderURL      string         `json:"provider_url" rule:"url" doc:"Issuer, whose other addresses are discovered."`
	Endpoint         Endpoint       `json:"endpoint" doc:"Addresses of a provider that cannot be discovered."`
	UsernameClaim    string         `json:"username_claim" default:"preferred_username" doc:"Claim of the login; alternatives by |, or a template."`
	NameClaim        string         `json:"name_claim" default:"preferred_username" doc:"Claim of the name."`
	EmailClaim       string         `json:"email_claim" default:"email" doc:"Claim of the e-mail address."`
	GroupsClaim      string         `json:"groups_claim" default:"groups" doc:"Claim of the groups, for role_mappings."`
	Order            int            `json:"order" doc:"Place of the button."`
	ReturnViaState   bool           `json:"return_via_state" default:"true" doc:"The page to return to travels in the state, not in the redirect URL."`
	EmailVerified    string         `json:"email_verified" default:"if_present" rule:"oneof:require|if_present|ignore" doc:"Whether an account is found by an address that the provider has not verified: require demands the claim, if_present refuses a false one, ignore takes any."`
	RoleMappings     []GroupMapping `json:"role_mappings" doc:"What members of a group become."`
}

// Endpoint are the addresses of a provider.
type Endpoint struct {
	Issuer     string   `json:"issuer" doc:"Issuer."`
	Auth       string   `json:"auth" rule:"url" doc:"Where users are sent."`
	Token      string   `json:"token" rule:"url" doc:"Where codes become tokens."`
	UserInfo   string   `json:"userinfo" rule:"url" doc:"Where claims are."`
	JWKS       string   `json:"jwks" rule:"url" doc:"Where keys are."`
	Algorithms []string `json:"algorithms" doc:"Signatures that are taken. Defaults to RS256."`
}
