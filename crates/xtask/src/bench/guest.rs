//! What a guest of the benchmark lives on: a workspace that answers at once, and a guest that does
//! nothing but answer.

use wasmtime::component::{Component, ComponentType, Lift, Linker, Lower, Val};

/// The interface with `current`.
pub(super) const TOKENS: &str = "lakegate:connect/tokens@0.1.0";

/// What `current` returns.
pub(super) type Answer = (Result<Credential, Problem>,);

/// `credential` of `wit/tokens.wit`.
#[derive(ComponentType, Lift)]
#[component(record)]
#[expect(dead_code, reason = "it is only received")]
pub(super) struct Credential {
    generation: u64,
    user: String,
    host: String,
    port: u16,
    database: String,
    schema: String,
    plaintext: bool,
    #[component(name = "valid-for")]
    valid_for: u64,
    #[component(name = "expires-at")]
    expires_at: u64,
}

/// `problem` of `wit/problems.wit`.
#[derive(ComponentType, Lift)]
#[component(record)]
#[expect(dead_code, reason = "only its message is read")]
pub(super) struct Problem {
    kind: Kind,
    pub(super) message: String,
    advice: String,
    sqlstate: Option<String>,
}

/// `kind` of `wit/problems.wit`.
#[derive(ComponentType, Lift)]
#[component(variant)]
#[expect(dead_code, reason = "it is only received")]
pub(super) enum Kind {
    #[component(name = "configuration")]
    Configuration,
    #[component(name = "denied")]
    Denied,
    #[component(name = "unavailable")]
    Unavailable,
    #[component(name = "login")]
    Login,
    #[component(name = "statement")]
    Statement,
    #[component(name = "conflict")]
    Conflict,
    #[component(name = "throttled")]
    Throttled,
    #[component(name = "timeout")]
    Timeout,
    #[component(name = "other")]
    Other(String),
}

/// `clocks` of `wit/clock.wit`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(super) struct Clocks {
    wall: u64,
    monotonic: u64,
}

/// A guest that answers `current` with a constant credential: what such a call costs at least.
pub(super) const NOTHING: &str = r#"
(component
  (type $kind-shape (variant (case "configuration") (case "denied") (case "unavailable")
    (case "login") (case "statement") (case "conflict") (case "throttled") (case "timeout")
    (case "other" string)))
  (export $kind "kind" (type $kind-shape))
  (type $problem-shape (record (field "kind" $kind) (field "message" string)
    (field "advice" string) (field "sqlstate" (option string))))
  (export $problem "problem" (type $problem-shape))
  (type $credential-shape (record (field "generation" u64) (field "user" string)
    (field "host" string) (field "port" u16) (field "database" string) (field "schema" string)
    (field "plaintext" bool) (field "valid-for" u64) (field "expires-at" u64)))
  (export $credential "credential" (type $credential-shape))
  (type $answer (result $credential (error $problem)))

  ;; The four strings of the answer to the real one.
  (core module $memory
    (memory (export "memory") 1)
    (data (i32.const 0) "applocalhostapp_ontosapp_ontos"))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $m))
  (core func $return (canon task.return (result $answer) (memory $m)))

  (core module $guest
    (import "" "return" (func $return (param
      i32 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i64)))
    (func (export "current") (result i32)
      (call $return (i32.const 0) (i64.const 1)
        (i32.const 0) (i32.const 3) (i32.const 3) (i32.const 9) (i32.const 5432)
        (i32.const 12) (i32.const 9) (i32.const 21) (i32.const 9)
        (i32.const 0) (i64.const 3560000) (i64.const 3560000))
      (i32.const 0))
    (func (export "callback") (param i32 i32 i32) (result i32) unreachable))
  (core instance $guest (instantiate $guest
    (with "" (instance (export "return" (func $return))))))
  (type $current (func async (result $answer)))
  (func (export "current") (type $current) (canon lift (core func $guest "current")
    async (memory $m) (callback (core func $guest "callback")))))
"#;

/// Every answer of the workspace in one: who the token belongs to, and a token for an hour.
const REPLY: &str =
    r#"{"userName":"app","token":"secret","expiration_time":"1970-01-01T01:00:00Z"}"#;

/// Lends a guest what `current` asks for. Time stands still, so that one token lives for ever;
/// whatever else is called traps.
pub(super) fn lend(linker: &mut Linker<()>, component: &Component) -> wasmtime::Result<()> {
    let mut clock = linker.instance("lakegate:connect/clock@0.1.0")?;
    clock.func_wrap("now", |_, (): ()| Ok((Clocks { wall: 0, monotonic: 0 },)))?;
    clock.func_new_concurrent("sleep", |_, _, _, _| Box::pin(std::future::pending()))?;
    let mut control_plane = linker.instance("lakegate:connect/control-plane@0.1.0")?;
    control_plane.func_new_concurrent("send", |_, _, _, results| {
        results[0] = Val::Result(Ok(Some(Box::new(reply()))));
        Box::pin(std::future::ready(Ok(())))
    })?;
    let mut random = linker.instance("lakegate:connect/random@0.1.0")?;
    random.func_wrap("draw", |_, (): ()| Ok((7_u64,)))?;
    let mut secrets = linker.instance("lakegate:connect/secrets@0.1.0")?;
    secrets.func_new("get", |_, _, names, results| {
        results[0] = setting(&names[0]);
        Ok(())
    })?;
    let mut settings = linker.instance("lakegate:connect/settings@0.1.0")?;
    settings.func_new("get", |_, _, origin_and_name, results| {
        results[0] = setting(&origin_and_name[1]);
        Ok(())
    })?;
    linker.define_unknown_imports_as_traps(component)
}

/// `response` of `wit/control-plane.wit`.
fn reply() -> Val {
    let body = REPLY.bytes().map(Val::U8).collect();
    Val::Record(vec![
        ("status".into(), Val::U16(200)),
        ("headers".into(), Val::List(vec![])),
        ("body".into(), Val::List(body)),
    ])
}

fn setting(name: &Val) -> Val {
    let Val::String(name) = name else { return Val::Option(None) };
    let value = match name.as_str() {
        "DATABRICKS_HOST" => "w.example",
        "DATABRICKS_TOKEN" => "dapi",
        "LAKEBASE_INSTANCE_NAME" => "demo",
        "POSTGRES_HOST" => "localhost",
        "POSTGRES_DB" | "POSTGRES_DB_SCHEMA" => "app_ontos",
        _ => return Val::Option(None),
    };
    Val::Option(Some(Box::new(Val::String(value.into()))))
}
