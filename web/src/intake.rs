//! Reads what a stranger sends with a report: a form, a form with files, or JSON.
//!
//! Files go to the desk's folder piece by piece as they come; nothing of them is held in memory
//! whole, opened or unpacked. Deliberately not here: what becomes of a report (`pages::report`).

use crate::app::App;
use crate::fields::Fields;
use crate::flood::Heard;
use crate::reply::Reply;
use crate::visit::Visit;
use axum::RequestExt as _;
use axum::body::Bytes;
use axum::extract::multipart::{Field, Multipart};
use axum::extract::{DefaultBodyLimit, Form, Json, Request};
use axum::http::{StatusCode, header};
use desk::people_report::{MAX_BYTES_AT_ONCE, MAX_FILES_AT_ONCE};
use desk::{KeptFile, Upload, UploadError};
use std::sync::PoisonError;
use std::time::Duration;

/// A form with files may come over a slow line.
const FILES_WITHIN: Duration = Duration::from_secs(180);
const FORM_WITHIN: Duration = Duration::from_secs(20);
/// Bytes of one mail.
/// A provider's message with its names; a chat takes 20,000 bytes of text.
const MAX_CHAT_BYTES: usize = 128 << 10;
const MAX_MAIL_BYTES: usize = desk::people_report::MAX_MAIL_BYTES;
/// Names and values around the files.
const MAX_FORM_BYTES: usize = 192 * 1024;
const MAX_FIELDS: usize = 40;
/// Bytes of one field that is no file.
const MAX_FIELD_BYTES: usize = 64 * 1024;

/// How it was read.
#[derive(Default)]
pub(crate) struct Intake {
    /// More come than can be heard one by one.
    pub crowded: bool,
    /// The sender is asked to come back.
    pub later: bool,
    /// Files were left out; the sender is told.
    pub left_out: bool,
    /// The bytes of a posted mail, or of a chat's message.
    pub original: Vec<u8>,
    /// Why what was sent cannot be taken: key of the catalogue.
    pub problem: Option<&'static str>,
}

/// Reads the body into the visit. `Err` is the answer to what cannot be read at all.
pub(crate) async fn read(app: &App, visit: &mut Visit, request: Request) -> Result<(), Reply> {
    if visit.path == crate::roles::reports::MAIL {
        return mail(app, visit, request).await;
    }
    if visit.path.starts_with(crate::roles::reports::CHAT) {
        return chat(visit, request).await;
    }
    let heard = app.flood.report(&visit.from_ip, app.desk.now());
    visit.intake.crowded = heard != Heard::AtOnce;
    visit.intake.later = heard == Heard::Later;
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind
        .and_then(|k| k.to_str().ok())
        .unwrap_or("")
        .to_ascii_lowercase();
    let refuse = |visit: &Visit, status| Err(Reply::refuse(visit, status, "form"));
    if kind.starts_with("multipart/form-data") {
        let slot = app.receiving.try_acquire();
        let take = heard == Heard::AtOnce && slot.is_ok();
        return match tokio::time::timeout(FILES_WITHIN, parts(app, visit, request, take)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(status)) => refuse(visit, status),
            Err(_) => refuse(visit, StatusCode::REQUEST_TIMEOUT),
        };
    }
    let program = visit.path.starts_with("/api/");
    let fields = async {
        if program && kind.starts_with("application/json") {
            let Json(value) = request
                .extract::<Json<serde_json::Map<String, serde_json::Value>>, _>()
                .await
                .map_err(|e| e.status())?;
            return flat(value).ok_or(StatusCode::UNPROCESSABLE_ENTITY);
        }
        let Form(fields) = request
            .extract::<Form<Vec<(String, String)>>, _>()
            .await
            .map_err(|e| e.status())?;
        Ok(fields)
    };
    match tokio::time::timeout(FORM_WITHIN, fields).await {
        Ok(Ok(fields)) if fields.len() <= MAX_FIELDS => visit.form = Fields(fields),
        Ok(Ok(_)) => return refuse(visit, StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(status)) => return refuse(visit, status),
        Err(_) => return refuse(visit, StatusCode::REQUEST_TIMEOUT),
    }
    Ok(())
}

/// Takes the bytes of one mail; who is heard is decided when its sender is known.
async fn mail(app: &App, visit: &mut Visit, mut request: Request) -> Result<(), Reply> {
    let refuse = |visit: &Visit, status, what| Err(Reply::refuse(visit, status, what));
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|k| k.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    if !kind.eq_ignore_ascii_case("message/rfc822") {
        return refuse(visit, StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-mail");
    }
    let Ok(_slot) = app.receiving.try_acquire() else {
        return refuse(visit, StatusCode::SERVICE_UNAVAILABLE, "mail-busy");
    };
    DefaultBodyLimit::max(MAX_MAIL_BYTES).apply(&mut request);
    match tokio::time::timeout(FILES_WITHIN, request.extract::<Bytes, _>()).await {
        Ok(Ok(bytes)) => visit.intake.original = bytes.into(),
        Ok(Err(rejection)) => return refuse(visit, rejection.status(), "form"),
        Err(_) => return refuse(visit, StatusCode::REQUEST_TIMEOUT, "form"),
    }
    Ok(())
}

/// Takes the bytes of a chat's message; whose it is its signature says.
async fn chat(visit: &mut Visit, mut request: Request) -> Result<(), Reply> {
    DefaultBodyLimit::max(MAX_CHAT_BYTES).apply(&mut request);
    match tokio::time::timeout(FORM_WITHIN, request.extract::<Bytes, _>()).await {
        Ok(Ok(bytes)) => visit.intake.original = bytes.into(),
        Ok(Err(rejection)) => return Err(Reply::refuse(visit, rejection.status(), "form")),
        Err(_) => return Err(Reply::refuse(visit, StatusCode::REQUEST_TIMEOUT, "form")),
    }
    Ok(())
}

/// The fields of one object, which are texts or, where a form has a box to tick, truths. `None`:
/// a value is something else, and would be lost or taken for another.
fn flat(value: serde_json::Map<String, serde_json::Value>) -> Option<Vec<(String, String)>> {
    use serde_json::Value;
    let mut fields = Vec::new();
    for (name, value) in value {
        match value {
            Value::String(text) => fields.push((name, text)),
            Value::Bool(ticked) if name == "anonymous" => {
                fields.extend(ticked.then(|| (name, "1".to_owned())));
            }
            Value::Null => {}
            _ => return None,
        }
    }
    Some(fields)
}

async fn parts(
    app: &App,
    visit: &mut Visit,
    mut request: Request,
    take: bool,
) -> Result<(), StatusCode> {
    let most = MAX_BYTES_AT_ONCE as usize + MAX_FORM_BYTES;
    DefaultBodyLimit::max(most).apply(&mut request);
    let mut multipart = request
        .extract::<Multipart, _>()
        .await
        .map_err(|_| StatusCode::BAD_REQUEST)?;
    let mut fields = Vec::new();
    let (mut files, mut bytes): (Vec<KeptFile>, u64) = (Vec::new(), 0);
    while let Some(field) = multipart.next_field().await.map_err(|e| e.status())? {
        if fields.len() + files.len() >= MAX_FIELDS {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let name = field.name().unwrap_or("").to_owned();
        if name.len() > 64 {
            return Err(StatusCode::BAD_REQUEST);
        }
        if field.file_name().is_none() {
            fields.push((name, value(field).await?));
            continue;
        }
        // A browser sends an empty part where no file was chosen.
        if field.file_name() == Some("") {
            continue;
        }
        if !take {
            visit.intake.left_out = true;
            continue;
        }
        if files.len() >= MAX_FILES_AT_ONCE {
            visit.intake.problem = Some("report-files-too-many");
            continue;
        }
        match file(app, field, &mut bytes).await? {
            Ok(Some(kept)) => files.push(kept),
            Ok(None) => {}
            Err(error) => visit.intake.problem = Some(told(&error)),
        }
    }
    visit.form = Fields(fields);
    *visit
        .files
        .get_mut()
        .unwrap_or_else(PoisonError::into_inner) = files;
    Ok(())
}

async fn value(mut field: Field<'_>) -> Result<String, StatusCode> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|e| e.status())? {
        if bytes.len() + chunk.len() > MAX_FIELD_BYTES {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The outer error is the request's, the inner one the file's; `None` for an empty file.
async fn file(
    app: &App,
    mut field: Field<'_>,
    bytes: &mut u64,
) -> Result<Result<Option<KeptFile>, UploadError>, StatusCode> {
    let name = field.file_name().unwrap_or("").to_owned();
    let mut upload = match app.desk.uploads().begin(&name, app.desk.now()) {
        Ok(upload) => upload,
        Err(error) => return Ok(Err(error)),
    };
    while let Some(chunk) = field.chunk().await.map_err(|e| e.status())? {
        *bytes += chunk.len() as u64;
        if *bytes > MAX_BYTES_AT_ONCE {
            return Ok(Err(UploadError::TooMuchAtOnce));
        }
        // The disk is waited for off the threads that serve the sockets.
        let written = tokio::task::spawn_blocking(move || {
            upload.write(&chunk)?;
            Ok::<Upload, UploadError>(upload)
        });
        upload = match written.await {
            Ok(Ok(upload)) => upload,
            Ok(Err(error)) => return Ok(Err(error)),
            Err(_) => return Err(StatusCode::INTERNAL_SERVER_ERROR),
        };
    }
    if upload.size_bytes() == 0 {
        return Ok(Ok(None));
    }
    let finished = tokio::task::spawn_blocking(move || upload.finish()).await;
    let finished = finished.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(finished.map(Some))
}

/// What the sender is told about a file that could not be taken.
fn told(error: &UploadError) -> &'static str {
    match error {
        UploadError::FileTooLarge => "report-file-too-large",
        UploadError::TooMuchAtOnce => "report-files-too-many",
        UploadError::DayFull | UploadError::StoreFull => "report-files-full",
        UploadError::Disk(error) => {
            tracing::error!(%error, "a received file could not be written");
            "report-files-disk"
        }
    }
}
