import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.mlflow.api.proto.Service.FileInfo;
import org.mlflow.tracking.MlflowClient;
import org.mlflow.tracking.MlflowClientException;

/** Files of a run. The client has MLflow's Python (MLFLOW_PYTHON_EXECUTABLE) carry them. */
final class Artifacts {
  private Artifacts() {}

  private static String id;

  private static List<String> paths(List<FileInfo> files) {
    return files.stream().map(file -> file.getPath() + (file.getIsDir() ? "/" : ":" + file.getFileSize())).sorted().collect(Collectors.toList());
  }

  static void run(Steps steps, MlflowClient client, String suffix, File folder) {
    Path made = folder.toPath().resolve("made");
    byte[] large = new byte[3 << 20];
    new Random(1).nextBytes(large);
    steps.step("artifacts: a file, and one in a folder", () -> {
      Files.createDirectories(made.resolve("deep/er"));
      Files.writeString(made.resolve("größe.txt"), "hallo\n");
      Files.write(made.resolve("deep/large.bin"), large);
      Files.writeString(made.resolve("deep/er/empty"), "");
      id = client.createRun(client.createExperiment("artifacts-" + suffix)).getRunId();
      client.logArtifact(id, made.resolve("größe.txt").toFile());
      client.logArtifact(id, made.resolve("größe.txt").toFile(), "notes/one");
      Steps.equal(List.of("größe.txt:6", "notes/"), paths(client.listArtifacts(id)));
    });
    steps.step("artifacts: a tree", () -> {
      client.logArtifacts(id, made.toFile(), "tree");
      Steps.equal(List.of("tree/deep/er/", "tree/deep/large.bin:" + large.length), paths(client.listArtifacts(id, "tree/deep")));
    });
    steps.step("artifacts: a file comes back to the byte", () -> {
      File back = client.downloadArtifacts(id, "tree/deep/large.bin");
      Steps.holds(Arrays.equals(large, Files.readAllBytes(back.toPath())), "its bytes differ");
    });
    steps.step("artifacts: all of it comes back", () -> {
      Path back = client.downloadArtifacts(id).toPath();
      Steps.equal("hallo\n", Files.readString(back.resolve("notes/one/größe.txt")));
      Steps.equal(0L, Files.size(back.resolve("tree/deep/er/empty")));
      Steps.holds(Arrays.equals(large, Files.readAllBytes(back.resolve("tree/deep/large.bin"))), "its bytes differ");
    });
    steps.step("artifacts: one that isn't there is an error that names it", () -> {
      try {
        File back = client.downloadArtifacts(id, "absent.txt");
        throw new AssertionError("it gave " + back);
      } catch (MlflowClientException expected) {
        Steps.holds(expected.getMessage().contains("absent.txt"), expected.getMessage());
      }
    });
  }
}
