import java.util.Objects;
import org.mlflow.tracking.MlflowHttpException;

/**
 * Runs the steps one after the other and tells of each on a line of standard output: its name, OK or FAILED, and why. A step that fails
 * doesn't stop the others; test_java.py makes a test of each.
 */
final class Steps {
  interface Step {
    void run() throws Exception;
  }

  void step(String name, Step step) {
    String verdict;
    try {
      step.run();
      verdict = "OK\t";
    } catch (Exception | AssertionError error) {
      StackTraceElement[] trace = error.getStackTrace();
      String place = "";
      for (StackTraceElement frame : trace) {
        if (place.isEmpty() && frame.getModuleName() == null && !frame.getClassName().contains(".")
            && !frame.getClassName().equals("Steps")) {
          place = " at " + frame.getFileName() + ":" + frame.getLineNumber();
        }
      }
      verdict = "FAILED\t" + (error + place).replaceAll("\\s+", " ");
    }
    System.out.println(name + "\t" + verdict);
    System.out.flush();
  }

  static void equal(Object expected, Object actual) {
    if (!Objects.equals(expected, actual)) {
      throw new AssertionError("expected " + expected + ", not " + actual);
    }
  }

  static void holds(boolean condition, String otherwise) {
    if (!condition) {
      throw new AssertionError(otherwise);
    }
  }

  /** The call is refused with this HTTP status and MLflow's code; the message, for more to be said of it. */
  static String refused(int status, String code, Step call) throws Exception {
    try {
      call.run();
    } catch (MlflowHttpException error) {
      equal(status, error.getStatusCode());
      String body = error.getBodyMessage();
      holds(body.contains("\"" + code + "\""), "expected the code " + code + " in " + body);
      return body;
    }
    throw new AssertionError("expected a refusal with " + status + " " + code + ", but it was done");
  }
}
