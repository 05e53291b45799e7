import eu.europa.esig.dss.enumerations.Level;
import eu.europa.esig.dss.policy.ValidationPolicyFacade;
import eu.europa.esig.dss.policy.jaxb.BasicSignatureConstraints;
import eu.europa.esig.dss.policy.jaxb.CertificateConstraints;
import eu.europa.esig.dss.policy.jaxb.ConstraintsParameters;
import eu.europa.esig.dss.policy.jaxb.LevelConstraint;
import eu.europa.esig.dss.policy.jaxb.TimeConstraint;
import eu.europa.esig.dss.policy.jaxb.TimeUnit;
import eu.europa.esig.dss.policy.jaxb.UnsignedAttributesConstraints;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/**
 * The policy that EU DSS validates by, and the same with nothing left that only warns: whatever it ignores, tells or
 * warns of is a failure. What is added or measured differently:
 *
 * <ul>
 *   <li>a signature without a valid timestamp fails;
 *   <li>the timestamp lies within a minute of the claimed time of signing;
 *   <li>revocation data on seals, timestamp authorities and OCSP responders is at most a day old. An authority's own
 *       certificate is answered for by the root, which is kept offline and signs its CRL once a year: 366 days.
 * </ul>
 *
 * <p>Two constraints that the default does not have stay out, because a rightful file may break them: that a signature
 * covers the whole file (of several seals only the last one does) and that nothing was filled in after it. What each
 * signature covers is printed instead.
 */
final class StrictPolicy {
  private static final int ROOT_CRL_DAYS = 366;

  private StrictPolicy() {}

  static ConstraintsParameters normal() throws Exception {
    return ValidationPolicyFacade.newFacade().unmarshall(text());
  }

  static ConstraintsParameters strict() throws Exception {
    String raised = text().replaceAll("(Level|LevelAfterUpdate)=\"(IGNORE|INFORM|WARN)\"", "$1=\"FAIL\"");
    ConstraintsParameters policy = ValidationPolicyFacade.newFacade().unmarshall(raised);
    UnsignedAttributesConstraints unsigned = new UnsignedAttributesConstraints();
    LevelConstraint timestamped = new LevelConstraint();
    timestamped.setLevel(Level.FAIL);
    unsigned.setTLevelTimeStamp(timestamped);
    policy.getSignatureConstraints().setUnsignedAttributes(unsigned);
    within(policy.getTimestamp().getTimestampDelay(), 1, TimeUnit.MINUTES);
    fresh(policy.getSignatureConstraints().getBasicSignatureConstraints());
    fresh(policy.getTimestamp().getBasicSignatureConstraints());
    fresh(policy.getRevocation().getBasicSignatureConstraints());
    // Who signs a CRL is an authority, answered for by the root.
    age(policy.getRevocation().getBasicSignatureConstraints().getSigningCertificate(), ROOT_CRL_DAYS);
    return policy;
  }

  private static String text() throws Exception {
    try (InputStream stream = ValidationPolicyFacade.class.getResourceAsStream("/policy/constraint.xml")) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static void fresh(BasicSignatureConstraints constraints) {
    age(constraints.getSigningCertificate(), 1);
    age(constraints.getCACertificate(), ROOT_CRL_DAYS);
  }

  private static void age(CertificateConstraints constraints, int days) {
    within(constraints.getRevocationFreshness(), days, TimeUnit.DAYS);
  }

  private static void within(TimeConstraint constraint, int value, TimeUnit unit) {
    constraint.setValue(value);
    constraint.setUnit(unit);
  }
}
