// Writes the seeds of every target as files: fuzz_corpus FOLDER makes FOLDER/TARGET/0, 1, ...
#include <filesystem>
#include <fstream>
#include <iostream>

#include "tests/fuzz/targets.h"

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  if (argc != 2) {
    std::cerr << "usage: fuzz_corpus FOLDER\n";
    return 2;
  }
  for (const zhiyin::fuzz::Target& target : zhiyin::fuzz::AllTargets()) {
    const fs::path folder = fs::path(argv[1]) / target.name;
    fs::create_directories(folder);
    const std::vector<std::string> seeds = target.seeds();
    for (size_t i = 0; i < seeds.size(); ++i) {
      std::ofstream(folder / std::to_string(i), std::ios::binary) << seeds[i];
    }
  }
}
