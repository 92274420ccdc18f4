//! What is wrong, as one word for programs.

use crate::api::advice::{blocked_network, dead_token};
use crate::api::{ApiError, Call};
use crate::bootstrap::PlanError;
use crate::edge::{DatabaseError, SendError};
use crate::flow::mint::MintError;
use crate::refusal::{LoginRefusal, classify_failure, without_tls};

/// Declares the causes with the words by which programs know them.
macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident => $word:literal,)*) => {
        /// What is wrong. The words stay the same from version to version; new ones may come.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[non_exhaustive]
        pub enum Cause {
            $($(#[$doc])* $name,)*
        }

        impl Cause {
            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

causes! {
    /// Settings are missing, wrong, or in each other's way.
    Settings => "settings",
    /// A secret that was configured is gone, or its file cannot be read.
    NoSecret => "no-secret",
    /// Nobody answered.
    Unreachable => "unreachable",
    /// The workspace lets nobody in from this network.
    NetworkBlocked => "network-blocked",
    /// The server's certificate is not to be trusted.
    Untrusted => "untrusted-certificate",
    /// The server, or this side, does without TLS.
    NoTls => "no-tls",
    /// What answers is not the API of a workspace.
    NotAWorkspace => "not-a-workspace",
    /// The workspace fails or is too busy.
    Unavailable => "unavailable",
    /// The workspace does not know the client, or its secret.
    UnknownClient => "unknown-client",
    /// The identity provider's token was not accepted.
    Federation => "federation",
    /// The token is expired or was revoked.
    DeadToken => "dead-token",
    /// The token is somebody else's than the role's.
    WrongIdentity => "wrong-identity",
    /// The identity may not do this.
    NoPermission => "no-permission",
    /// The database is of the other kind, Provisioned or Autoscaling.
    WrongApi => "wrong-api",
    /// An endpoint was named by its uid.
    EndpointUid => "endpoint-uid",
    /// There is no such instance, endpoint or app.
    NotFound => "not-found",
    /// The host is not the one of the instance or endpoint.
    WrongHost => "wrong-host",
    /// The instance or endpoint is stopped or switched off.
    Stopped => "stopped",
    /// The instance or endpoint is changing, or not well.
    NotReady => "not-ready",
    /// It slept and woke up, or is about to.
    Asleep => "asleep",
    /// A token was not renewed, though one still lives.
    RenewalFailed => "renewal-failed",
    /// A password is set that is not used.
    PasswordIgnored => "password-ignored",
    /// A personal access token is used as the password of Postgres.
    PatAsPassword => "pat-as-password",
    /// A token that dies within the hour is used as a fixed password.
    TokenAsPassword => "token-as-password",
    /// The password is wrong.
    WrongPassword => "wrong-password",
    /// The identity has no role here.
    NoRole => "no-role",
    /// The role was made for another kind of identity, or for passwords.
    WrongRoleType => "wrong-role-type",
    /// What was sent as password is no credential of this database.
    NotAToken => "not-a-token",
    /// The login was refused, and nothing shows why.
    Refused => "login-refused",
    /// Passwords of Postgres are switched off.
    NativeLoginOff => "native-login-off",
    /// All connections are taken.
    TooManyConnections => "too-many-connections",
    /// There is no such database.
    NoDatabase => "no-database",
    /// The role may not connect to the database.
    NoConnect => "no-connect",
    /// The role may not create the schema, or anything in it.
    NoCreate => "no-create",
    /// The schema is somebody else's.
    ForeignSchema => "foreign-schema",
    /// Every role may create schemas.
    PublicCreate => "public-create",
    /// The right to connect was taken from everybody, Lakebase's own roles included.
    PublicConnectRevoked => "public-connect-revoked",
    /// Nothing can be written.
    ReadOnly => "read-only",
    /// The ledger of migrations cannot be read, or says what cannot be.
    Ledger => "ledger",
    /// A migration began and did not end.
    UnfinishedMigration => "unfinished-migration",
    /// The database gave no usable answer.
    Inspection => "inspection",
    /// The clock here is wrong.
    ClockOff => "clock-off",
}

impl Cause {
    /// Why there is no token.
    pub(super) fn of_mint(error: &MintError) -> Self {
        match error {
            MintError::Api(error) => Self::of_api(error),
            MintError::SecretGone { .. }
            | MintError::File { .. }
            | MintError::FileEmpty { .. }
            | MintError::Profile { .. }
            | MintError::Cli { .. } => Self::NoSecret,
            MintError::NoWorkspace { .. } | MintError::OtherWorkspace { .. } => Self::Settings,
            MintError::NoTarget { .. }
            | MintError::NoResource { .. }
            | MintError::NoEndpoint { .. } => Self::NotFound,
            MintError::NoHost { .. } => Self::NotReady,
        }
    }

    /// Why the workspace gave nothing.
    pub(super) fn of_api(error: &ApiError) -> Self {
        let issues = matches!(error.call(), Call::WorkspaceToken { .. } | Call::GitHubToken);
        match error {
            ApiError::Denied { said, .. } if blocked_network(said) => Self::NetworkBlocked,
            ApiError::PrivateLink { .. } => Self::NetworkBlocked,
            ApiError::Invalid { said, .. } if said.is("invalid_grant") => Self::Federation,
            ApiError::Denied { .. } | ApiError::Invalid { .. } if issues => Self::UnknownClient,
            ApiError::NotFound { said, .. } if said.is("invalid_client") => Self::UnknownClient,
            ApiError::Denied { status, said, .. } if dead_token(*status, said) => Self::DeadToken,
            ApiError::Denied { .. } => Self::NoPermission,
            ApiError::NotFound { call: Call::Discovery | Call::Me, .. } => Self::NotAWorkspace,
            ApiError::NotFound { .. } if issues => Self::NotAWorkspace,
            ApiError::NotFound { .. } | ApiError::Invalid { .. } => Self::NotFound,
            ApiError::Redirected { .. }
            | ApiError::Unexpected { .. }
            | ApiError::NotJson { .. }
            | ApiError::Shape { .. }
            | ApiError::Foreign { .. } => Self::NotAWorkspace,
            ApiError::Throttled { .. } | ApiError::Unavailable { .. } => Self::Unavailable,
            ApiError::NoAnswer { reason: SendError::Tls { .. }, .. } => Self::Untrusted,
            ApiError::NoAnswer { .. } => Self::Unreachable,
        }
    }

    /// Why nobody was let in, as far as the server's words tell.
    pub(super) fn of_login(error: &DatabaseError) -> Self {
        match classify_failure(error) {
            LoginRefusal::DeadToken => Self::Refused,
            LoginRefusal::ExpiredToken => Self::DeadToken,
            LoginRefusal::NoRole => Self::NoRole,
            LoginRefusal::NotAToken => Self::NotAToken,
            LoginRefusal::NoTls => Self::NoTls,
            LoginRefusal::NativeLoginOff => Self::NativeLoginOff,
            LoginRefusal::EndpointDisabled => Self::Stopped,
            LoginRefusal::EndpointNotFound => Self::WrongHost,
            LoginRefusal::Waking => Self::Asleep,
            LoginRefusal::TooManyConnections => Self::TooManyConnections,
            LoginRefusal::MissingDatabase => Self::NoDatabase,
            LoginRefusal::NoConnectPrivilege => Self::NoConnect,
            LoginRefusal::Other => match error {
                _ if without_tls(error) => Self::NoTls,
                DatabaseError::Tls { .. } => Self::Untrusted,
                DatabaseError::Unreachable { .. } | DatabaseError::Lost { .. } => Self::Unreachable,
                _ => Self::Refused,
            },
        }
    }

    /// Why there is no plan.
    pub(super) fn of_plan(error: &PlanError) -> Self {
        match error {
            PlanError::NoCreate { .. } | PlanError::NoCreateInSchema { .. } => Self::NoCreate,
            PlanError::ForeignOwner { .. } => Self::ForeignSchema,
            PlanError::ReadOnly { .. } => Self::ReadOnly,
            PlanError::Unfinished { .. } => Self::UnfinishedMigration,
            PlanError::Reserved { .. } => Self::Settings,
            _ => Self::Ledger,
        }
    }
}
