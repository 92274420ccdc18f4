//! A pool of sqlx, which is told each new token.
//!
//! ```sh
//! lakebase-emulator --database postgres -- \
//!     cargo run -p lakegate-client --features sqlx --example sqlx
//! ```

use lakegate_client::Lakebase;
use sqlx::postgres::PgPoolOptions;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let lakebase = Lakebase::from_env().await?;
    let pool = lakebase.sqlx(PgPoolOptions::new().max_connections(8)).await?;

    let (user, database): (String, String) =
        sqlx::query_as("SELECT current_user::text, current_database()::text")
            .fetch_one(&pool)
            .await?;
    println!("{user} reads {database} through {pool:?}");

    // The same, where even a token that Lakebase suddenly refuses shall go unnoticed.
    let mut connection = lakebase.acquire(&pool).await?;
    let two: i32 = sqlx::query_scalar("SELECT 1 + 1").fetch_one(&mut *connection).await?;
    println!("1 + 1 = {two}");
    drop(connection);

    pool.close().await;
    Ok(())
}
