# Reports by mail: what is noted in the report, and the receipt that goes back.
mail-receipt-subject = Your report was received: { $receipt }
mail-receipt-body =
    Your report was received, and the leading group has been called.

    Receipt number: { $receipt }

    With it you can see what becomes of the report and add to it. Keep it like a password and do not pass it on.
    You may also answer this mail to add something; leave the number in the subject.
    If you have sent no report, ignore this mail.
mail-text-cut = The mail is longer than this; the whole of it is the original among the files
mail-files-left-out = Not every file is kept by itself; see the original mail among the files
mail-no-text = The mail has no text
outbox-kind-report-receipt = Receipt of a report
api-op-intake-mail = Hand over a mail that reports something, by the mail server
mail-too-large = The mail is larger than 36 MiB; send it with fewer attachments.
mail-no-mail = This is no mail: it has no header lines such as From, Date and Subject.
mail-too-many-parts = The mail has too many parts or header lines to be read; send it with fewer attachments.
error-not-mail = The body is not a mail
error-not-mail-advice = Send the mail as it came, as message/rfc822.
error-mail-busy = Too many files are being received
error-mail-busy-advice = Keep the mail and hand it over again later.
cli-intake-reported = Reported as { $report }
cli-intake-added = Added to the report { $report }
cli-intake-ignored = An automatic answer or a returned mail: not reported
cli-intake-refused = The mail is not taken, nor will it be when sent again: { $why }
cli-intake-later = Not taken now; keep the mail and try again: { $why }
cli-intake-url = --url is no usable address: { $why }
cli-intake-token = The token file { $file } cannot be read: { $why }
