"""A small WaveNet in JAX: train it on a list of names or on a text, evaluate it, sample new ones.

The letters below mean the same everywhere; shapes are written `[B, T, C]`.

    B  rows of a batch             V  vocabulary, boundary included
    T  positions of a row          L  layers
    C  channels                    K  taps: the positions that a layer combines
    H  hidden channels             d  dilation: the distance between taps
    N  predictions in a corpus     R  receptive field = 1 + (K - 1) · Σd
    S  samples

Losses are in nats per character, the boundary that ends a document counting as one.

The modules from the bottom up; each imports only those above it:

    errors       how a user's mistake is said; imports no JAX
    config       frozen dataclasses, checked where they are made; imports no JAX
    config_file  the configuration as JSON; imports no JAX
    sample_config  what is to be drawn from a run; imports no JAX
    presets      configurations with a name; imports no JAX
    download     the lecture's file and Shakespeare's, checked by SHA-256
    vocab        characters <-> ids
    streams      a text of any size -> tokens, piece by piece
    corpus       files -> documents or a stream -> splits -> Corpus
    batches      (key, corpus, settings) -> Batch, pure
    keys         a root key for each purpose
    taps         how a run fetches what a layer combines: merge, shift, pull and push
    layers       the plain and the gated layer, given their taps, and their heads
    model        embedding, stack, head: window, sequence, step
    distinct     every distinct context once
    optim        schedules and optimizers from config
    evaluate     exact loss of a split, with its standard error; scores of texts
    train        TrainState, train_step, train_chunk, fit
    patterns     regular expressions -> positions
    automata     finite automata as tables
    constraints  what documents must be like -> automata
    rules        an automaton -> tables that the sampler looks up
    strategies   temperature, top-k, top-p: logits -> a character
    drawing      one sequence with one key, character by character
    sample       documents side by side, and text
    runs         the run folder
    checkpoint   the states in it, with Orbax
    generate     what a `SampleConfig` asks of a run
    plots        the loss curve; the only user of matplotlib
    console      progress
    results      tables, and plain values for JSON
    process      signals, and the cache of compiled programs
    commands     what the commands that read a run do
    training     what `train` does
    cli          parse, call, say what went wrong
"""

__version__ = "0.1.0"
