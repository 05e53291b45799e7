import eu.europa.esig.dss.diagnostic.CertificateWrapper;
import eu.europa.esig.dss.diagnostic.SignatureWrapper;
import eu.europa.esig.dss.diagnostic.TimestampWrapper;
import eu.europa.esig.dss.diagnostic.jaxb.XmlSignatureScope;
import eu.europa.esig.dss.enumerations.Indication;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.policy.EtsiValidationPolicy;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CertificateVerifier;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.validation.SignedDocumentValidator;
import eu.europa.esig.dss.validation.executor.signature.DefaultSignatureProcessExecutor;
import eu.europa.esig.dss.validation.reports.Reports;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.logging.LogManager;

/**
 * Validates sealed PDF files with EU DSS in one start of the Java machine: {@code CheckSeal ROOT.pem FILE... [ROOT.pem
 * FILE...]...}, where each root is the one anchor of the files after it. Nothing is fetched from anywhere.
 *
 * <p>Prints one line for every file, policy and signature, fields separated by tabs: indication, policy ({@code normal}
 * or {@code strict}), path, sub-indication, format, indication of the signature timestamps, what the signature covers
 * ({@code FULL} or {@code PARTIAL}), of how many certificates of the chains revocation data was found and how many there
 * are below the root ({@code 3/3}), then each {@code error: …} and {@code warning: …}. Ends with 0 when all passed, 1
 * when one did not, 2 on wrong usage.
 */
public final class CheckSeal {
  private static final String ANCHOR = ".pem";

  public static void main(String[] arguments) throws Exception {
    LogManager.getLogManager().reset();
    if (arguments.length < 2 || !arguments[0].endsWith(ANCHOR)) {
      System.err.println("usage: CheckSeal ROOT.pem FILE... [ROOT.pem FILE...]...");
      System.exit(2);
    }
    EtsiValidationPolicy normal = new EtsiValidationPolicy(StrictPolicy.normal());
    EtsiValidationPolicy strict = new EtsiValidationPolicy(StrictPolicy.strict());
    CertificateVerifier verifier = null;
    boolean good = true;
    for (String argument : arguments) {
      if (argument.endsWith(ANCHOR)) {
        verifier = trusting(argument);
        continue;
      }
      for (List<String> line : check(argument, verifier, normal, strict)) {
        line.replaceAll(field -> field.replaceAll("\\s+", " "));
        System.out.println(String.join("\t", line));
        good &= line.get(0).equals(Indication.TOTAL_PASSED.toString());
      }
    }
    System.exit(good ? 0 : 1);
  }

  /** A verifier with this anchor alone; it has no source for anything that is not in the file. */
  private static CertificateVerifier trusting(String root) {
    CommonTrustedCertificateSource trusted = new CommonTrustedCertificateSource();
    trusted.addCertificate(DSSUtils.loadCertificate(new File(root)));
    CertificateVerifier verifier = new CommonCertificateVerifier(true);
    verifier.setTrustedCertSources(trusted);
    return verifier;
  }

  private static List<List<String>> check(
      String path, CertificateVerifier verifier, EtsiValidationPolicy normal, EtsiValidationPolicy strict) {
    List<List<String>> lines = new ArrayList<>();
    try {
      SignedDocumentValidator validator = SignedDocumentValidator.fromDocument(new FileDocument(path));
      validator.setCertificateVerifier(verifier);
      validator.setEnableEtsiValidationReport(false);
      Reports found = validator.validateDocument(normal);
      lines.addAll(lines(path, "normal", found));
      lines.addAll(lines(path, "strict", judgedAgain(found, strict)));
    } catch (Exception | StackOverflowError problem) {
      lines.add(new ArrayList<>(List.of("UNREADABLE", "", path, "", "", "", "", "0/0", "error: " + problem)));
    }
    if (lines.isEmpty()) {
      lines.add(new ArrayList<>(List.of("NO_SIGNATURE", "", path, "", "", "", "", "0/0")));
    }
    return lines;
  }

  /** The same facts under another policy: the file is taken apart once. */
  private static Reports judgedAgain(Reports found, EtsiValidationPolicy policy) {
    DefaultSignatureProcessExecutor executor = new DefaultSignatureProcessExecutor();
    executor.setDiagnosticData(found.getDiagnosticDataJaxb());
    executor.setValidationPolicy(policy);
    executor.setCurrentTime(found.getDiagnosticData().getValidationDate());
    return executor.execute();
  }

  private static List<List<String>> lines(String path, String policy, Reports reports) {
    List<List<String>> lines = new ArrayList<>();
    for (SignatureWrapper signature : reports.getDiagnosticData().getSignatures()) {
      lines.add(line(path, policy, signature, reports.getSimpleReport()));
    }
    return lines;
  }

  private static List<String> line(String path, String policy, SignatureWrapper signature, SimpleReport report) {
    String id = signature.getId();
    List<CertificateWrapper> certificates = new ArrayList<>(signature.getCertificateChain());
    TreeSet<String> timestamps = new TreeSet<>();
    for (TimestampWrapper timestamp : signature.getTLevelTimestamps()) {
      timestamps.add("" + report.getIndication(timestamp.getId()));
      certificates.addAll(timestamp.getCertificateChain());
    }
    TreeSet<String> scopes = new TreeSet<>();
    for (XmlSignatureScope scope : signature.getSignatureScopes()) {
      scopes.add("" + scope.getScope());
    }
    List<String> line = new ArrayList<>(List.of("" + report.getIndication(id), policy, path));
    line.addAll(List.of("" + report.getSubIndication(id), "" + signature.getSignatureFormat()));
    line.addAll(List.of(String.join(",", timestamps), String.join(",", scopes), answered(certificates)));
    report.getAdESValidationErrors(id).forEach(message -> line.add("error: " + message.getValue()));
    report.getAdESValidationWarnings(id).forEach(message -> line.add("warning: " + message.getValue()));
    return line;
  }

  private static String answered(List<CertificateWrapper> certificates) {
    TreeSet<String> below = new TreeSet<>();
    TreeSet<String> answered = new TreeSet<>();
    for (CertificateWrapper certificate : certificates) {
      if (!certificate.isTrusted()) {
        below.add(certificate.getId());
        if (certificate.isRevocationDataAvailable()) {
          answered.add(certificate.getId());
        }
      }
    }
    return answered.size() + "/" + below.size();
  }
}
