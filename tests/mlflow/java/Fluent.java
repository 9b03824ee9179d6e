import java.util.Map;
import java.util.stream.Collectors;
import org.mlflow.api.proto.Service.Metric;
import org.mlflow.api.proto.Service.Param;
import org.mlflow.api.proto.Service.Run;
import org.mlflow.api.proto.Service.RunStatus;
import org.mlflow.api.proto.Service.RunTag;
import org.mlflow.tracking.ActiveRun;
import org.mlflow.tracking.MlflowClient;
import org.mlflow.tracking.MlflowContext;

/** MlflowContext and the runs that it has begun. */
final class Fluent {
  private Fluent() {}

  private static ActiveRun active;
  private static String seen;

  private static String tag(Run run, String key) {
    return run.getData().getTagsList().stream().filter(tag -> tag.getKey().equals(key)).map(RunTag::getValue).findFirst().orElse(null);
  }

  static void run(Steps steps, MlflowClient client, String suffix) {
    MlflowContext context = new MlflowContext(client);
    steps.step("fluent: an experiment that isn't there is refused before anything is sent", () -> {
      try {
        context.setExperimentName("absent-" + suffix);
        throw new AssertionError("it was taken");
      } catch (IllegalArgumentException expected) {
        Steps.holds(expected.getMessage().contains("absent-" + suffix), expected.getMessage());
      }
    });
    steps.step("fluent: an experiment by its name", () -> {
      String id = client.createExperiment("fluent-" + suffix);
      context.setExperimentName("fluent-" + suffix);
      Steps.equal(id, context.getExperimentId());
    });
    steps.step("fluent: a run, its params, metrics and tags", () -> {
      active = context.startRun("outer");
      active.logParam("a", "1");
      active.logParams(Map.of("b", "2", "c", "3"));
      active.logMetric("loss", 0.5);
      active.logMetric("loss", 0.25, 4);
      active.logMetrics(Map.of("p", 0.125, "q", Double.NaN), 2);
      active.setTag("one", "1");
      active.setTags(Map.of("two", "2", "three", "3"));
      Run run = client.getRun(active.getId());
      Steps.equal("outer", run.getInfo().getRunName());
      Steps.equal(Map.of("a", "1", "b", "2", "c", "3"),
          run.getData().getParamsList().stream().collect(Collectors.toMap(Param::getKey, Param::getValue)));
      Steps.equal(Map.of("loss", 0.25, "p", 0.125, "q", Double.NaN),
          run.getData().getMetricsList().stream().collect(Collectors.toMap(Metric::getKey, Metric::getValue)));
      Steps.equal("3", tag(run, "three"));
      Steps.equal(run.getInfo().getArtifactUri(), active.getArtifactUri());
    });
    steps.step("fluent: a nested run names its parent", () -> {
      ActiveRun inner = context.startRun("inner", active.getId());
      Steps.equal(active.getId(), tag(client.getRun(inner.getId()), "mlflow.parentRunId"));
      inner.endRun(RunStatus.KILLED);
      Steps.equal(RunStatus.KILLED, client.getRun(inner.getId()).getInfo().getStatus());
    });
    steps.step("fluent: a run that ends is finished", () -> {
      active.endRun();
      Run run = client.getRun(active.getId());
      Steps.equal(RunStatus.FINISHED, run.getInfo().getStatus());
      Steps.holds(run.getInfo().getEndTime() >= run.getInfo().getStartTime(), "it ended before it began");
    });
    steps.step("fluent: a block ends its run", () -> {
      context.withActiveRun("block", run -> seen = run.getId());
      Steps.equal(RunStatus.FINISHED, client.getRun(seen).getInfo().getStatus());
    });
    steps.step("fluent: a block that throws fails its run", () -> {
      try {
        context.withActiveRun("thrown", run -> {
          seen = run.getId();
          throw new IllegalStateException("on purpose");
        });
      } catch (IllegalStateException thrown) {
        // Whether it comes through is the client's affair.
      }
      Steps.equal(RunStatus.FAILED, client.getRun(seen).getInfo().getStatus());
    });
  }
}
