import java.io.File;
import java.nio.file.Files;
import java.util.List;
import java.util.stream.Collectors;
import org.mlflow.api.proto.ModelRegistry.ModelVersion;
import org.mlflow.api.proto.ModelRegistry.ModelVersionStatus;
import org.mlflow.api.proto.ModelRegistry.RegisteredModel;
import org.mlflow.tracking.MlflowClient;
import org.mlflow.tracking.ModelVersionsPage;

/** The registry: models are made by the client's plain calls (it has no others for that) and read by its own. */
final class Registry {
  private Registry() {}

  private static String run;

  private static List<String> versions(List<ModelVersion> found) {
    return found.stream().map(version -> version.getVersion() + " " + version.getCurrentStage()).sorted().collect(Collectors.toList());
  }

  private static void stage(MlflowClient client, String name, String version, String stage) {
    client.sendPost("model-versions/transition-stage", "{\"name\": \"" + name + "\", \"version\": \"" + version + "\", \"stage\": \"" + stage
        + "\", \"archive_existing_versions\": false}");
  }

  static void run(Steps steps, MlflowClient client, String suffix, File folder) {
    String name = "java-model-" + suffix;
    steps.step("registry: a model and three versions", () -> {
      File file = new File(folder, "weights.txt");
      Files.writeString(file.toPath(), "0.5\n");
      run = client.createRun(client.createExperiment("registry-" + suffix)).getRunId();
      client.logArtifact(run, file, "model");
      client.sendPost("registered-models/create", "{\"name\": \"" + name + "\", \"description\": \"of Java\"}");
      String uri = client.getRun(run).getInfo().getArtifactUri() + "/model";
      for (int number = 1; number <= 3; number++) {
        String answer = client.sendPost("model-versions/create",
            "{\"name\": \"" + name + "\", \"source\": \"" + uri + "\", \"run_id\": \"" + run + "\"}");
        Steps.holds(answer.contains("READY"), answer);
      }
      stage(client, name, "1", "Production");
      stage(client, name, "2", "Staging");
    });
    steps.step("registry: get a version", () -> {
      ModelVersion version = client.getModelVersion(name, "2");
      Steps.equal(List.of(name, "2", run, "Staging"), List.of(version.getName(), version.getVersion(), version.getRunId(), version.getCurrentStage()));
      Steps.equal(ModelVersionStatus.READY, version.getStatus());
      Steps.holds(version.getCreationTimestamp() > 1_600_000_000_000L, "made at " + version.getCreationTimestamp());
    });
    steps.step("registry: get a model", () -> {
      RegisteredModel model = client.getRegisteredModel(name);
      Steps.equal("of Java", model.getDescription());
      Steps.equal(List.of("1 Production", "2 Staging", "3 None"), versions(model.getLatestVersionsList()));
    });
    steps.step("registry: the latest version of each stage, and of one", () -> {
      Steps.equal(List.of("1 Production", "2 Staging", "3 None"), versions(client.getLatestVersions(name)));
      Steps.equal(List.of("1 Production"), versions(client.getLatestVersions(name, List.of("Production"))));
      Steps.equal(List.of(), versions(client.getLatestVersions(name, List.of("Archived"))));
    });
    steps.step("registry: an alias that was set is told with its version", () -> {
      client.sendPost("registered-models/alias", "{\"name\": \"" + name + "\", \"alias\": \"best\", \"version\": \"2\"}");
      Steps.equal(List.of("best"), List.copyOf(client.getModelVersion(name, "2").getAliasesList()));
    });
    steps.step("registry: described by a PATCH", () -> {
      client.sendPatch("registered-models/update", "{\"name\": \"" + name + "\", \"description\": \"patched\"}");
      Steps.equal("patched", client.getRegisteredModel(name).getDescription());
    });
    steps.step("registry: search versions", () -> {
      Steps.equal(3, client.searchModelVersions("name = '" + name + "'").getItems().size());
      Steps.equal(3, client.searchModelVersions("run_id = '" + run + "'").getItems().size());
      Steps.equal(List.of(), client.searchModelVersions("name = 'absent-" + suffix + "'").getItems());
      Steps.holds(client.searchModelVersions().getItems().size() >= 3, "fewer than were made");
    });
    steps.step("registry: search versions page by page, in order", () -> {
      ModelVersionsPage page = client.searchModelVersions("name = '" + name + "'", 2, List.of("version_number ASC"));
      Steps.equal(List.of("1 Production", "2 Staging"), versions(page.getItems()));
      Steps.holds(page.hasNextPage(), "there is no second page");
      ModelVersionsPage next = (ModelVersionsPage) page.getNextPage();
      Steps.equal(List.of("3 None"), versions(next.getItems()));
      Steps.equal(false, next.hasNextPage());
    });
    steps.step("registry: where a version's files are, and the files", () -> {
      Steps.holds(client.getModelVersionDownloadUri(name, "1").endsWith("/model"), client.getModelVersionDownloadUri(name, "1"));
      Steps.equal("0.5\n", Files.readString(client.downloadModelVersion(name, "1").toPath().resolve("weights.txt")));
    });
    steps.step("registry: the files of the latest version of a stage",
        () -> Steps.equal("0.5\n", Files.readString(client.downloadLatestModelVersion(name, "Staging").toPath().resolve("weights.txt"))));
    steps.step("registry: what isn't there is refused with 404", () -> {
      Steps.refused(404, "RESOURCE_DOES_NOT_EXIST", () -> client.getRegisteredModel("absent-" + suffix));
      Steps.refused(404, "RESOURCE_DOES_NOT_EXIST", () -> client.getModelVersion(name, "9"));
      Steps.refused(404, "RESOURCE_DOES_NOT_EXIST", () -> client.getLatestVersions("absent-" + suffix));
    });
    steps.step("registry: a name that is taken is refused with 400", () -> Steps.refused(400, "RESOURCE_ALREADY_EXISTS",
        () -> client.sendPost("registered-models/create", "{\"name\": \"" + name + "\"}")));
  }
}
