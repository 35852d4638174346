#include <google/protobuf/text_format.h>

#include <string>
#include <vector>

#include "launch/job/load_job.h"
#include "tests/fuzz/conversation.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "worker/saved/saved_model.h"
#include "worker/saved/saved_statistics.h"

namespace zhiyin::fuzz {

/// The manifest as it is read, and then used: its checksum fits.
int FuzzManifest(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  Judge("manifest.textproto", [&] {
    const Manifest manifest = worker::saved::ParseManifest(text, "manifest.textproto");
    launch::job::ParseLoadedJob(launch::job::JobToText(manifest.job()), "manifest.textproto: job",
                                "/", {});
  });
  return 0;
}

std::vector<std::string> ManifestSeeds() {
  std::vector<std::string> seeds;
  for (const bool is_checkpoint : {false, true}) {
    const Job job = SmallJob(0);
    worker::data::Normalizer normalizer;
    normalizer.mean.assign(static_cast<size_t>(job.numeric_size()), 0.5f);
    normalizer.scale.assign(static_cast<size_t>(job.numeric_size()), 2);
    Manifest manifest = worker::saved::ManifestOf(job, normalizer, 1, 42, 7);
    const std::vector<worker::data::LabelSums> labels(static_cast<size_t>(job.task_size()),
                                                      {.weight = 9, .label = 3, .positives = 3});
    worker::saved::PutStatistics({normalizer, labels}, &manifest);
    Manifest::RowFile* rows = manifest.add_file();
    rows->set_name("rows-0-of-1.bin");
    rows->set_n_bytes(100);
    if (is_checkpoint) {
      Progress* progress = manifest.mutable_progress();
      progress->set_epoch(1);
      progress->set_next_step(42);
      progress->set_n_workers(3);
      progress->set_n_rows(1000);
      progress->mutable_evaluated()->add_task()->set_auc(0.5);
    }
    std::string text;
    google::protobuf::TextFormat::PrintToString(manifest, &text);
    seeds.push_back(text);
  }
  return seeds;
}

}  // namespace zhiyin::fuzz
