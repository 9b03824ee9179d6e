// models/training_child.h: the far end of training in a child process.
//
// The martlet command calls run_training_child() for its hidden verb `train-child`, first thing,
// before it opens a store or starts threads. The process trains one model and ends; whatever
// LightGBM does to it (crash, endless loop, exhausted memory) is the parent's to notice.
#pragma once
#include <string>
#include <vector>

namespace martlet::models {

// arguments: SPEC --library PATH, without the program's name and the verb. Reads the specification,
// trains, leaves model.txt and result.json beside it, prints progress lines on stdout. The exit
// code: 0; 1 after an error that stands on stderr; 2 for wrong arguments.
int run_training_child(const std::vector<std::string>& arguments);

}  // namespace martlet::models
