import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.mlflow.api.proto.Service.CreateExperiment;
import org.mlflow.api.proto.Service.Experiment;
import org.mlflow.api.proto.Service.ExperimentTag;
import org.mlflow.api.proto.Service.ViewType;
import org.mlflow.tracking.ExperimentsPage;
import org.mlflow.tracking.MlflowClient;

/** Experiments: made, found, renamed, tagged, removed and taken back. */
final class Experiments {
  private Experiments() {}

  private static String id;

  private static List<String> names(ExperimentsPage page) {
    return page.getItems().stream().map(Experiment::getName).collect(Collectors.toList());
  }

  static void run(Steps steps, MlflowClient client, String suffix) {
    String name = "java/größe Δ-" + suffix;
    steps.step("experiments: create", () -> {
      id = client.createExperiment(name);
      Steps.holds(!id.isEmpty(), "the id is empty");
    });
    steps.step("experiments: get by id", () -> {
      Experiment found = client.getExperiment(id);
      Steps.equal(name, found.getName());
      Steps.equal("active", found.getLifecycleStage());
      Steps.holds(found.getCreationTime() > 1_600_000_000_000L, "created at " + found.getCreationTime());
      Steps.holds(!found.getArtifactLocation().isEmpty(), "it has no place for artifacts");
    });
    steps.step("experiments: get by name", () -> Steps.equal(id, client.getExperimentByName(name).get().getExperimentId()));
    steps.step("experiments: an unknown name is empty, not an error",
        () -> Steps.equal(Optional.empty(), client.getExperimentByName("absent-" + suffix)));
    steps.step("experiments: an unknown id is refused with 404",
        () -> Steps.refused(404, "RESOURCE_DOES_NOT_EXIST", () -> client.getExperiment("99999999")));
    steps.step("experiments: a name that is taken is refused with 400",
        () -> Steps.refused(400, "RESOURCE_ALREADY_EXISTS", () -> client.createExperiment(name)));
    steps.step("experiments: create with tags", () -> {
      String tagged = client.createExperiment(CreateExperiment.newBuilder().setName("tagged-" + suffix)
          .addTags(ExperimentTag.newBuilder().setKey("team").setValue("java-" + suffix)).build());
      Steps.equal("java-" + suffix, client.getExperiment(tagged).getTags(0).getValue());
    });
    steps.step("experiments: set a tag, and set it anew", () -> {
      client.setExperimentTag(id, "owner", "somebody");
      client.setExperimentTag(id, "owner", "Zoë");
      List<ExperimentTag> tags = client.getExperiment(id).getTagsList();
      Steps.equal(1, tags.size());
      Steps.equal("Zoë", tags.get(0).getValue());
    });
    steps.step("experiments: rename", () -> {
      client.renameExperiment(id, "renamed-" + suffix);
      Steps.equal("renamed-" + suffix, client.getExperiment(id).getName());
      Steps.equal(Optional.empty(), client.getExperimentByName(name));
    });
    steps.step("experiments: search by name and by tag", () -> {
      Steps.equal(List.of("renamed-" + suffix), names(client.searchExperiments("name = 'renamed-" + suffix + "'")));
      Steps.equal(List.of("tagged-" + suffix), names(client.searchExperiments("tags.team = 'java-" + suffix + "'")));
    });
    steps.step("experiments: search by pages, in order", () -> {
      ExperimentsPage page = client.searchExperiments("name LIKE '%-" + suffix + "'", ViewType.ACTIVE_ONLY, 1, List.of("name DESC"));
      Steps.equal(List.of("tagged-" + suffix), names(page));
      Steps.holds(page.hasNextPage(), "there is no second page");
      ExperimentsPage next = (ExperimentsPage) page.getNextPage();
      Steps.equal(List.of("renamed-" + suffix), names(next));
      Steps.equal(false, next.hasNextPage());
    });
    steps.step("experiments: search without arguments", () -> Steps.holds(!client.searchExperiments().getItems().isEmpty(), "none found"));
    steps.step("experiments: a filter that isn't one is refused with 400", () -> Steps.refused(400, "INVALID_PARAMETER_VALUE",
        () -> client.searchExperiments("metrics.loss > 1")));
    steps.step("experiments: delete and restore", () -> {
      client.deleteExperiment(id);
      Steps.equal("deleted", client.getExperiment(id).getLifecycleStage());
      Steps.equal(List.of(), names(client.searchExperiments("name = 'renamed-" + suffix + "'")));
      Steps.equal(1, names(client.searchExperiments("name = 'renamed-" + suffix + "'", ViewType.DELETED_ONLY, 10, List.of())).size());
      client.restoreExperiment(id);
      Steps.equal("active", client.getExperiment(id).getLifecycleStage());
    });
    steps.step("experiments: an endpoint that doesn't exist is refused with 404", () -> {
      try {
        client.sendGet("experiments/no-such-call");
        throw new AssertionError("it was answered");
      } catch (org.mlflow.tracking.MlflowHttpException error) {
        Steps.equal(404, error.getStatusCode());
      }
    });
  }
}
