import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.mlflow.api.proto.Service.CreateRun;
import org.mlflow.api.proto.Service.Metric;
import org.mlflow.api.proto.Service.Param;
import org.mlflow.api.proto.Service.Run;
import org.mlflow.api.proto.Service.RunInfo;
import org.mlflow.api.proto.Service.RunStatus;
import org.mlflow.api.proto.Service.RunTag;
import org.mlflow.tracking.MlflowClient;

/** Runs: made, filled point by point and in batches, ended, removed and taken back. */
final class Runs {
  private Runs() {}

  private static String experiment;
  private static String id;

  private static Map<String, String> params(Run run) {
    return run.getData().getParamsList().stream().collect(Collectors.toMap(Param::getKey, Param::getValue));
  }

  private static Map<String, String> tags(Run run) {
    return run.getData().getTagsList().stream().collect(Collectors.toMap(RunTag::getKey, RunTag::getValue));
  }

  private static Metric latest(Run run, String key) {
    return run.getData().getMetricsList().stream().filter(metric -> metric.getKey().equals(key)).findFirst()
        .orElseThrow(() -> new AssertionError("the run has no metric " + key));
  }

  private static Metric point(String key, double value, long time, long step) {
    return Metric.newBuilder().setKey(key).setValue(value).setTimestamp(time).setStep(step).build();
  }

  static void run(Steps steps, MlflowClient client, String suffix) {
    steps.step("runs: create with a name and tags", () -> {
      experiment = client.createExperiment("runs-" + suffix);
      RunInfo made = client.createRun(CreateRun.newBuilder().setExperimentId(experiment).setRunName("first").setUserId("somebody")
          .setStartTime(1_700_000_000_123L).addTags(RunTag.newBuilder().setKey("kind").setValue("größe")).build());
      id = made.getRunId();
      Steps.equal("first", made.getRunName());
      Steps.equal(RunStatus.RUNNING, made.getStatus());
      Steps.equal(1_700_000_000_123L, made.getStartTime());
      Steps.equal("active", made.getLifecycleStage());
      Steps.equal(experiment, made.getExperimentId());
      Steps.holds(made.getArtifactUri().contains(id), "artifacts at " + made.getArtifactUri());
    });
    steps.step("runs: create in the experiment that is there from the start", () -> Steps.equal("0", client.createRun().getExperimentId()));
    steps.step("runs: create by an experiment's id alone", () -> {
      RunInfo made = client.createRun(experiment);
      Steps.equal(System.getProperty("user.name"), made.getUserId());
      Steps.holds(!made.getRunName().isEmpty(), "it got no name");
      client.deleteRun(made.getRunId());
    });
    steps.step("runs: params", () -> {
      client.logParam(id, "rounds", "100");
      client.logParam(id, "rounds", "100");
      client.logParam(id, "path/with spaces", "ß ≤ ü");
      Steps.equal(Map.of("rounds", "100", "path/with spaces", "ß ≤ ü"), params(client.getRun(id)));
    });
    steps.step("runs: another value of a param is refused with 400", () -> Steps.refused(400, "INVALID_PARAMETER_VALUE",
        () -> client.logParam(id, "rounds", "200")));
    steps.step("runs: metrics with and without a step", () -> {
      long before = System.currentTimeMillis();
      client.logMetric(id, "score", 0.5);
      Metric now = latest(client.getRun(id), "score");
      Steps.equal(0.5, now.getValue());
      Steps.equal(0L, now.getStep());
      Steps.holds(now.getTimestamp() >= before, "its time is " + now.getTimestamp());
      client.logMetric(id, "loss", 0.75, 1000, 3);
      client.logMetric(id, "loss", 0.25, 1001, 1);
      client.logMetric(id, "loss", 0.5, 999, -7);
      Metric last = latest(client.getRun(id), "loss");
      Steps.equal(List.of(0.75, 3L, 1000L), List.of(last.getValue(), last.getStep(), last.getTimestamp()));
    });
    steps.step("runs: NaN, and numbers to the last bit", () -> {
      client.logMetric(id, "odd", Double.NaN, 1, 1);
      Steps.holds(Double.isNaN(latest(client.getRun(id), "odd").getValue()), "it isn't NaN");
      for (double value : new double[] {0.1 + 0.2, Double.MIN_VALUE, -Double.MAX_VALUE, 1e-300}) {
        client.logMetric(id, "odd", value, 2, 2);
      }
      List<Double> seen = client.getMetricHistory(id, "odd").stream().filter(point -> point.getStep() == 2).map(Metric::getValue)
          .sorted().collect(Collectors.toList());
      Steps.equal(List.of(-Double.MAX_VALUE, Double.MIN_VALUE, 1e-300, 0.1 + 0.2), seen);
    });
    steps.step("runs: infinities", () -> {
      client.logMetric(id, "infinite", Double.POSITIVE_INFINITY, 1, 1);
      client.logMetric(id, "infinite", Double.NEGATIVE_INFINITY, 1, 2);
      // The real server keeps the largest double instead.
      Steps.holds(latest(client.getRun(id), "infinite").getValue() <= -Double.MAX_VALUE, "it isn't the least number");
      Steps.holds(client.getMetricHistory(id, "infinite").stream().anyMatch(point -> point.getValue() >= Double.MAX_VALUE), "none is the largest");
    });
    steps.step("runs: a batch of metrics, params and tags", () -> {
      client.logBatch(id, List.of(point("a", 1, 10, 1), point("a", 2, 20, 2), point("b", -1, 10, 1)),
          List.of(Param.newBuilder().setKey("depth").setValue("7").build()), List.of(RunTag.newBuilder().setKey("stage").setValue("x").build()));
      Run run = client.getRun(id);
      Steps.equal(2.0, latest(run, "a").getValue());
      Steps.equal(-1.0, latest(run, "b").getValue());
      Steps.equal("7", params(run).get("depth"));
      Steps.equal("x", tags(run).get("stage"));
    });
    steps.step("runs: a batch of nothing, and of metrics alone", () -> {
      client.logBatch(id, null, null, null);
      client.logBatch(id, List.of(point("alone", 4, 4, 4)), null, null);
      Steps.equal(4.0, latest(client.getRun(id), "alone").getValue());
    });
    steps.step("runs: a history of 1,500 points comes whole and in order", () -> {
      for (int half = 0; half < 2; half++) {
        List<Metric> points = new ArrayList<>();
        for (int step = half * 750; step < (half + 1) * 750; step++) {
          points.add(point("long", step * 0.5, 1000 + step, step));
        }
        client.logBatch(id, points, null, null);
      }
      List<Metric> history = client.getMetricHistory(id, "long");
      Steps.equal(1500, history.size());
      for (int step = 0; step < 1500; step++) {
        Steps.equal(point("long", step * 0.5, 1000 + step, step), history.get(step));
      }
    });
    steps.step("runs: the history of a metric that isn't there is empty", () -> Steps.equal(List.of(), client.getMetricHistory(id, "absent")));
    steps.step("runs: a batch that is too large is refused with 400 and leaves nothing", () -> {
      List<Metric> points = new ArrayList<>();
      for (int step = 0; step < 1001; step++) {
        points.add(point("large", step, step, step));
      }
      Steps.refused(400, "INVALID_PARAMETER_VALUE", () -> client.logBatch(id, points, null, null));
      Steps.equal(List.of(), client.getMetricHistory(id, "large"));
    });
    steps.step("runs: tags set, set anew and deleted", () -> {
      client.setTag(id, "note", "one");
      client.setTag(id, "note", "two");
      Steps.equal("two", tags(client.getRun(id)).get("note"));
      Steps.equal("größe", tags(client.getRun(id)).get("kind"));
      client.deleteTag(id, "note");
      Steps.holds(!tags(client.getRun(id)).containsKey("note"), "the tag is still there");
    });
    steps.step("runs: deleting a tag that isn't there is refused with 404",
        () -> Steps.refused(404, "RESOURCE_DOES_NOT_EXIST", () -> client.deleteTag(id, "note")));
    steps.step("runs: end with a status and a time", () -> {
      client.setTerminated(id, RunStatus.FAILED, 1_700_000_009_000L);
      RunInfo info = client.getRun(id).getInfo();
      Steps.equal(RunStatus.FAILED, info.getStatus());
      Steps.equal(1_700_000_009_000L, info.getEndTime());
      client.setTerminated(id);
      Steps.equal(RunStatus.FINISHED, client.getRun(id).getInfo().getStatus());
    });
    steps.step("runs: delete and restore", () -> {
      client.deleteRun(id);
      Steps.equal("deleted", client.getRun(id).getInfo().getLifecycleStage());
      client.restoreRun(id);
      Steps.equal("active", client.getRun(id).getInfo().getLifecycleStage());
    });
    steps.step("runs: a run that isn't there is refused with 404", () -> {
      String absent = "0123456789abcdef0123456789abcdef";
      String body = Steps.refused(404, "RESOURCE_DOES_NOT_EXIST", () -> client.getRun(absent));
      Steps.holds(body.contains(absent), "it isn't named in " + body);
      Steps.refused(404, "RESOURCE_DOES_NOT_EXIST", () -> client.logMetric(absent, "a", 1));
      Steps.refused(404, "RESOURCE_DOES_NOT_EXIST", () -> client.logParam(absent, "a", "1"));
      Steps.refused(404, "RESOURCE_DOES_NOT_EXIST", () -> client.setTerminated(absent));
    });
  }
}
