import java.io.File;
import org.mlflow.tracking.MlflowClient;

/** Everything that MLflow's client for Java can ask of a server. Usage: java … Main URL FOLDER SUFFIX (of names, to be unique). */
final class Main {
  private Main() {}

  public static void main(String[] arguments) throws Exception {
    Steps steps = new Steps();
    File folder = new File(arguments[1]);
    String suffix = arguments[2];
    try (MlflowClient client = new MlflowClient(arguments[0])) {
      Experiments.run(steps, client, suffix);
      Runs.run(steps, client, suffix);
      Searches.run(steps, client, suffix);
      Fluent.run(steps, client, suffix);
      Artifacts.run(steps, client, suffix, folder);
      Registry.run(steps, client, suffix, folder);
    }
  }
}
