//! The channels against servers on loopback: mail against a real SMTP server, the robots and SMS
//! against one that answers as the providers' documents say. The providers themselves cannot be
//! reached from a test.

mod mail;
mod outbound;
mod provider;
mod robots;
