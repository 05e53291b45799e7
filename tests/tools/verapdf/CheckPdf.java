import java.io.FileInputStream;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.logging.LogManager;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/**
 * Checks PDF files against standards in one start of the Java machine: {@code CheckPdf 3a,ua1 FILE...}
 *
 * <p>Prints one line for every file and standard, fields separated by tabs: verdict ({@code pass}, {@code fail} or
 * {@code error}), standard, path, number of checks made, then each failed clause once, as {@code clause-test: message}.
 * Ends with 0 when all passed, 1 when one did not, 2 on wrong usage.
 */
public final class CheckPdf {
  private static final int MOST_FAILURES = 1000;

  public static void main(String[] arguments) {
    if (arguments.length < 2) {
      System.err.println("usage: CheckPdf STANDARD[,STANDARD...] FILE...");
      System.exit(2);
    }
    LogManager.getLogManager().reset();
    VeraGreenfieldFoundryProvider.initialise();
    boolean good = true;
    for (String standard : arguments[0].split(",")) {
      PDFAFlavour flavour = PDFAFlavour.fromString(standard);
      if (flavour == PDFAFlavour.NO_FLAVOUR) {
        System.err.println("no such standard: " + standard);
        System.exit(2);
      }
      for (int index = 1; index < arguments.length; index++) {
        good &= check(flavour, arguments[index]);
      }
    }
    System.exit(good ? 0 : 1);
  }

  private static boolean check(PDFAFlavour flavour, String path) {
    List<String> line = new ArrayList<>();
    boolean passed = false;
    try (InputStream stream = new FileInputStream(path);
        PDFAParser parser = Foundries.defaultInstance().createParser(stream, flavour);
        PDFAValidator validator =
            Foundries.defaultInstance().createValidator(flavour, MOST_FAILURES, false, false, false)) {
      ValidationResult result = validator.validate(parser);
      passed = result.isCompliant();
      line.addAll(List.of(passed ? "pass" : "fail", flavour.getId(), path, "" + result.getTotalAssertions()));
      line.addAll(failures(result));
    } catch (Exception | StackOverflowError problem) {
      line.addAll(List.of("error", flavour.getId(), path, "0", problem.toString()));
    }
    line.replaceAll(field -> field.replaceAll("\\s+", " "));
    System.out.println(String.join("\t", line));
    return passed;
  }

  private static TreeSet<String> failures(ValidationResult result) {
    TreeSet<String> found = new TreeSet<>();
    for (TestAssertion assertion : result.getTestAssertions()) {
      if (assertion.getStatus() == TestAssertion.Status.FAILED) {
        found.add(assertion.getRuleId().getClause() + "-" + assertion.getRuleId().getTestNumber() + ": "
            + assertion.getMessage());
      }
    }
    return found;
  }
}
