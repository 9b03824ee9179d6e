import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.mlflow.api.proto.Service.CreateRun;
import org.mlflow.api.proto.Service.Run;
import org.mlflow.api.proto.Service.RunInfo;
import org.mlflow.api.proto.Service.RunStatus;
import org.mlflow.api.proto.Service.ViewType;
import org.mlflow.tracking.MlflowClient;
import org.mlflow.tracking.Page;
import org.mlflow.tracking.RunsPage;

/** Six runs r0 to r5 with loss 0, 0.5, … 2.5; those with an even number are of kind "even"; r5 is deleted. */
final class Searches {
  private Searches() {}

  private static List<String> experiments;

  private static List<String> names(Iterable<Run> runs) {
    List<String> found = new ArrayList<>();
    runs.forEach(run -> found.add(run.getInfo().getRunName()));
    return found;
  }

  static void run(Steps steps, MlflowClient client, String suffix) {
    steps.step("search: six runs", () -> {
      experiments = List.of(client.createExperiment("search-" + suffix));
      for (int number = 0; number < 6; number++) {
        String id = client.createRun(CreateRun.newBuilder().setExperimentId(experiments.get(0)).setRunName("r" + number)
            .setStartTime(1_700_000_000_000L + number).build()).getRunId();
        client.logMetric(id, "loss", number * 0.5, 1, 1);
        client.logParam(id, "depth", "" + number);
        client.setTag(id, "kind", number % 2 == 0 ? "even" : "odd");
        client.setTerminated(id, number == 3 ? RunStatus.FAILED : RunStatus.FINISHED);
        if (number == 5) {
          client.deleteRun(id);
        }
      }
      Steps.equal(5, client.listRunInfos(experiments.get(0)).size());
    });
    String[][] filters = {
        {"metrics.loss < 1.5", "r0 r1 r2"},
        {"metrics.loss >= 1 and tags.kind = 'even'", "r2 r4"},
        {"params.depth = '3'", "r3"},
        {"tags.kind LIKE 'od%'", "r1 r3"},
        {"tags.kind ILIKE 'EV%' AND metrics.loss != 0", "r2 r4"},
        {"attributes.status = 'FAILED'", "r3"},
        {"attributes.run_name != 'r0'", "r1 r2 r3 r4"},
        {"tags.`kind` = \"odd\" and params.depth != '1'", "r3"},
        {"metrics.absent > 0", ""},
    };
    for (String[] each : filters) {
      steps.step("search: " + each[0], () -> {
        List<String> expected = each[1].isEmpty() ? List.of() : List.of(each[1].split(" "));
        Steps.equal(expected, names(client.searchRuns(experiments, each[0], ViewType.ACTIVE_ONLY, 100, List.of("params.depth ASC")).getItems()));
      });
    }
    steps.step("search: by a list of run ids", () -> {
      List<String> ids = client.searchRuns(experiments, "tags.kind = 'odd'", ViewType.ACTIVE_ONLY, 100).getItems().stream()
          .map(run -> "'" + run.getInfo().getRunId() + "'").collect(Collectors.toList());
      Steps.equal(List.of("r3", "r1"),
          names(client.searchRuns(experiments, "attributes.run_id IN (" + String.join(", ", ids) + ")", ViewType.ACTIVE_ONLY, 100).getItems()));
    });
    steps.step("search: the infos alone", () -> {
      List<RunInfo> found = client.searchRuns(experiments, "metrics.loss = 2");
      Steps.equal(List.of("r4"), found.stream().map(RunInfo::getRunName).collect(Collectors.toList()));
    });
    steps.step("search: ordered by a metric, falling", () -> Steps.equal(List.of("r4", "r3", "r2", "r1", "r0"),
        names(client.searchRuns(experiments, null, ViewType.ACTIVE_ONLY, 100, List.of("metrics.loss DESC")).getItems())));
    steps.step("search: the newest first when no order is asked for",
        () -> Steps.equal(List.of("r4", "r3", "r2", "r1", "r0"), names(client.searchRuns(experiments, "", ViewType.ACTIVE_ONLY, 100).getItems())));
    steps.step("search: deleted runs, and all", () -> {
      Steps.equal(List.of("r5"), names(client.searchRuns(experiments, "", ViewType.DELETED_ONLY, 100).getItems()));
      Steps.equal(6, client.searchRuns(experiments, "", ViewType.ALL).size());
    });
    steps.step("search: page by page", () -> {
      Page<Run> page = client.searchRuns(experiments, "", ViewType.ACTIVE_ONLY, 2, List.of("metrics.loss"));
      List<String> seen = new ArrayList<>(names(page.getItems()));
      int pages = 1;
      while (page.hasNextPage()) {
        page = page.getNextPage();
        seen.addAll(names(page.getItems()));
        pages++;
      }
      Steps.equal(List.of("r0", "r1", "r2", "r3", "r4"), seen);
      Steps.equal(3, pages);
    });
    steps.step("search: from a page token that was kept", () -> {
      RunsPage first = client.searchRuns(experiments, "", ViewType.ACTIVE_ONLY, 3, List.of("metrics.loss"));
      Steps.equal(List.of("r3", "r4"), names(client.searchRuns(experiments, "", ViewType.ACTIVE_ONLY, 3, List.of("metrics.loss"),
          first.getNextPageToken().get()).getItems()));
    });
    steps.step("search: a made-up page token is refused with 400", () -> Steps.refused(400, "INVALID_PARAMETER_VALUE",
        () -> client.searchRuns(experiments, "", ViewType.ACTIVE_ONLY, 3, List.of(), "bm90IGEgdG9rZW4=")));
    steps.step("search: a filter that can't be read is refused with 400", () -> Steps.refused(400, "INVALID_PARAMETER_VALUE",
        () -> client.searchRuns(experiments, "metrics.loss >> 1", ViewType.ACTIVE_ONLY, 3)));
  }
}
