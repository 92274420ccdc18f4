//! One connection, as whoever the environment says we are.
//!
//! ```sh
//! lakebase-emulator --database postgres -- cargo run -p lakegate-client --example tokio_postgres
//! ```

use lakegate_client::Lakebase;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let lakebase = Lakebase::from_env().await?;
    let credential = lakebase.credential().await?;
    println!("a token for {} at {}", credential.user(), credential.host());

    let client = lakebase.connect().await?;
    let question = "SELECT current_user::text, current_setting('search_path')";
    let row = client.query_one(question, &[]).await?;
    let (user, schema) = (row.get::<_, &str>(0), row.get::<_, &str>(1));
    println!("logged in as {user}, search_path {schema}");
    Ok(())
}
