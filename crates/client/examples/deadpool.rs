//! Thirty-two workers and a pool of eight connections, each of which logged in with a live token.
//!
//! ```sh
//! lakebase-emulator --database postgres -- \
//!     cargo run -p lakegate-client --features deadpool --example deadpool
//! ```

use std::collections::BTreeSet;

use lakegate_client::Lakebase;
use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let lakebase = Lakebase::builder().application_name("workers").start().await?;
    let pool = lakebase.deadpool().max_size(8).build()?;

    let mut workers = JoinSet::new();
    for _ in 0..32 {
        let pool = pool.clone();
        workers.spawn(async move {
            let client = pool.get().await?;
            let row = client.query_one("SELECT pg_backend_pid()", &[]).await?;
            anyhow::Ok(row.get::<_, i32>(0))
        });
    }
    let mut connections = BTreeSet::new();
    while let Some(worker) = workers.join_next().await {
        connections.insert(worker??);
    }
    println!("32 workers shared {} connections", connections.len());
    if let Some(status) = lakebase.status().await? {
        println!("tokens bought: {}", status.life.counts.minted);
    }
    Ok(())
}
