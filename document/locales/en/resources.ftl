# Resources of the register, and guests.
incident-act-request-resource = request resources
incident-act-grant-resource = grant resources
incident-act-manage-guests = let experts from outside in
plan-act-request-resource = request resources
plan-act-grant-resource = grant resources
plan-act-manage-guests = let experts from outside in
gap-register-grantor = whoever grants the resource may not grant any
gap-register-entry = quantity, currency or terms do not fit the kind of resource
gap-guest-may = the position of guests may do more than answer orders
gap-guest-rules = experts are listed, and the rules for guests are not whole

# The chapter of the plan.
plan-register = What an incident may draw on
plan-register-note = It is requested on the incident's page of resources, granted by the position named, and given back or written off before the incident is closed. Where a second person is named, nobody grants what they asked for themselves.
plan-register-kind = Kind
plan-register-quantity = Quantity
plan-register-grantor = Granted by
plan-register-second = a second person
plan-register-server = server
plan-register-tool = tool
plan-register-budget = budget
plan-register-expert = expert from outside
plan-experts = Experts from outside
plan-expert-firm = Firm
plan-expert-contract = Contract
plan-expert-contact = Contact
plan-expert-hours = Hours
plan-expert-rate = Rate
plan-expert-per-hour = { $sum } an hour
plan-expert-per-day = { $sum } a day
plan-guests = Accounts of experts
plan-guests-note = An expert works under a guest account that sees one incident and there only the pages named for it. It ends when the expert is given back, when the incident is closed, at the time set, and at the latest after { $n ->
    [one] a day
   *[other] { $n } days
}. Before seeing anything the expert agrees to this:
