"""The page, the REST interface and who may see them; one application, made by `create_app`.

What the node's `serve` does:

    app = create_app(config, store)        # config: the whole node configuration; store: what the queue works on
    app.include_router(stow_router, prefix="/dicom-web")   # behind the same authentication, limits and audit
    uvicorn.run(app, host=config.web.host, port=config.web.port, access_log=False, server_header=False)

What the page asks of the store, besides images, results, deliveries and dead letters by row id (row ids are what
URLs carry, never a UID or anything of a patient):

- `store.engine`, so that accounts, sessions and the audit log live in the same database; their tables are made here;
- for an analysed image the heat as 8-bit grey PNG beside the result (what was shown stays what was computed, whatever
  model reads today), and the path of the received file, from which the page draws the radiograph;
- the measurements of `pneumoscope.service.monitoring.measure(radiograph, reading)` as JSON in the image's row;
- `accept`, one function for bytes that arrive by page, STOW, folder or C-STORE;
- feedback: image id, agree or disagree, comment, who, when.
"""
