-- In whose name a certificate was ordered is asked by the certificate.

create index issue_order_by_certificate on issue_order (slot, ref);
