//! Two MySQL servers, one of which takes over from the other while the shop is followed.

use crate::failover_of::{self, Brand};
use testkit::mariadb::Server;

const MYSQL: Brand = Brand {
    follow: "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = <port>, \
             SOURCE_USER = 'root', SOURCE_CONNECT_RETRY = 1, SOURCE_AUTO_POSITION = 1, \
             GET_SOURCE_PUBLIC_KEY = 1; START REPLICA",
    promote: "STOP REPLICA; RESET REPLICA ALL",
};

fn start(settings: &[&str]) -> Server {
    let named = ["gtid-mode=ON", "enforce-gtid-consistency=ON"];
    Server::start_mysql(&[&named, settings].concat())
}

#[test]
fn a_replica_that_takes_over_is_followed_exactly_once() {
    failover_of::goes_on_exactly_once(&MYSQL, &start);
}

#[test]
fn a_server_of_another_history_is_said() {
    failover_of::another_history_is_said(&MYSQL, &start);
}
