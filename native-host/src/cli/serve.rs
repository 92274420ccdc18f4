//! `lakegate serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// Arguments of `serve`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lakegate serve --migrations ./migrations
  lakegate serve --listen 0.0.0.0:8443 --tls-cert tls.crt --tls-key tls.key

A key is made, and its digest configured, like this:
  KEY=$(openssl rand -base64 32)
  export LAKEGATE_ADMIN_KEY_SHA256=$(printf %s \"$KEY\" | sha256sum | cut -c1-64)

Ends with 0 when SIGTERM or SIGINT came and all requests were finished, with 143 or 130 when some
were cut off.")]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one. The address is printed as soon as it answers.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3000")]
    pub(crate) listen: SocketAddr,
    /// The server's certificate and its chain, in PEM; read again when the file changes.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Listen without TLS beyond this machine, behind an ingress that ends TLS.
    #[arg(long, conflicts_with = "tls_cert")]
    pub(crate) plaintext: bool,
    /// The folder of .sql files that POST /bootstrap applies [default: ./migrations, if it is
    /// there].
    #[arg(long, value_name = "DIR")]
    pub(crate) migrations: Option<PathBuf>,
    /// Keep the function's key-value store in this folder [default: in memory].
    #[arg(long, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
    /// Serve this component, composed with Lakegate, in place of the function alone.
    #[arg(long, value_name = "FILE")]
    pub(crate) component: Option<PathBuf>,
    /// Requests under way at a time; one more is answered 503.
    #[arg(long, value_name = "NUMBER", default_value = "1024",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_requests: u32,
    /// How long a request may take before it is answered 504; a database that sleeps needs a
    /// minute to wake up.
    #[arg(long, value_name = "SECONDS", default_value = "120",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) deadline: u32,
    /// Requests that one instance of the function serves before a new one takes its place; with 1
    /// each finds a cold one.
    #[arg(long, value_name = "NUMBER", default_value = "1000000",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) requests_per_instance: u32,
    /// How long requests under way may go on after the signal to stop; a second one ends at once.
    #[arg(long, value_name = "SECONDS", default_value = "30")]
    pub(crate) drain: u32,
}
