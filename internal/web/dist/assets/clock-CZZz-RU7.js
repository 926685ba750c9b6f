import{q as e}from"./index-DfHqZEO4.js";const n=e(Date.now());setInterval(()=>{document.hidden||(n.value=Date.now())},1e3);export{n};
