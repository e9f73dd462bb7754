//! Two MariaDB servers, one of which takes over from the other while the shop is followed.

#[path = "mysql/failover.rs"]
mod failover;
#[path = "mysql/shop.rs"]
#[expect(dead_code, reason = "shared with the other tests of MariaDB")]
mod shop;

use failover::Brand;
use testkit::mariadb::Server;

const MARIADB: Brand = Brand {
    follow: "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = <port>, MASTER_USER = 'root', \
             MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos; START SLAVE",
    promote: "STOP SLAVE; RESET SLAVE ALL",
};

fn start(settings: &[&str]) -> Server {
    Server::start_with(&[&["log-slave-updates=ON"], settings].concat())
}

#[test]
fn a_replica_that_takes_over_is_followed_exactly_once() {
    failover::goes_on_exactly_once(&MARIADB, &start);
}

#[test]
fn a_server_of_another_history_is_said() {
    failover::another_history_is_said(&MARIADB, &start);
}
